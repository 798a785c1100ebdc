// List requests, page tokens among them: a page or a refusal; the pages of a list end, and have
// each object once.
#include <memory>
#include <set>
#include <string>

#include "common/base/check.h"
#include "controlplane/api/list_page.h"
#include "tests/support/fake_fleet.h"
#include "tests/support/memory_store.h"
#include "tests/support/sample_resources.h"

using namespace sluice;
using namespace sluice::controlplane;

namespace {

struct Stored {
  Stored() {
    std::vector<model::Change> changes;
    for (const char* name : {"a", "b", "c", "d", "e"}) {
      changes.push_back(test::AsChange(test::SampleUpstream(name)));
    }
    SLUICE_CHECK(catalog->Commit(catalog->Current()->generation, std::move(changes)).has_value());
  }
  test::MemoryStore store;
  std::unique_ptr<Catalog> catalog = Catalog::Load(store).value();
  test::FakeFleet fleet;
  ResourceView view{*catalog, fleet};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Stored& stored = *new Stored;
  v1::ListRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return 0;
  std::set<std::string> seen;
  for (int pages = 0;; ++pages) {
    SLUICE_CHECK(pages <= 6);
    const auto page = ListPage(request, stored.view);
    if (!page) {
      SLUICE_CHECK(pages == 0 && !page.error().message.empty());
      return 0;
    }
    for (const auto& any : page->resources()) {
      SLUICE_CHECK(seen.insert(any.value()).second);
    }
    if (page->next_page_token().empty()) return 0;
    request.set_page_token(page->next_page_token());
  }
}
