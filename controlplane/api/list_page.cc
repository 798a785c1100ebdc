#include "controlplane/api/list_page.h"

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/limits.h"

namespace sluice::controlplane {
namespace {

constexpr std::size_t kDefaultPage = 1000;

// Where the next page begins, and of which list.
struct Continuation {
  std::int64_t generation = 0;  // 0: the first page.
  std::string ns;
  std::string name;
};

// The token as text: generation, kind, namespace, selector, then the last namespace and name. Hex,
// so that nobody is tempted to write one and any transport carries it.
std::string TokenText(const v1::ListRequest& request, const Continuation& last) {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}", last.generation, request.kind(),
                     request.namespace_(), request.label_selector(), last.ns, last.name);
}

std::string Hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

bool Unhex(std::string_view text, std::string& bytes) {
  if (text.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
    if (error != std::errc() || end != text.data() + i + 2) return false;
    bytes += static_cast<char>(value);
  }
  return true;
}

Answer<Continuation> ParseToken(const v1::ListRequest& request) {
  if (request.page_token().empty()) return Continuation{};
  std::string text;
  Continuation last;
  if (request.page_token().size() <= limits::kPageTokenBytes && Unhex(request.page_token(), text)) {
    const std::size_t name = text.rfind('\n');
    const std::size_t ns =
        name == std::string::npos || name == 0 ? name : text.rfind('\n', name - 1);
    if (ns != std::string::npos && name != ns) {
      last.name = text.substr(name + 1);
      last.ns = text.substr(ns + 1, name - ns - 1);
      std::from_chars(text.data(), text.data() + text.size(), last.generation);
      if (last.generation >= 0 && TokenText(request, last) == text) return last;
    }
  }
  return Refuse(
      ErrorCode::kInvalidArgument,
      "`pageToken` must be the nextPageToken of a list with the same kind, namespace and label "
      "selector");
}

}  // namespace

Answer<v1::ListResponse> ListPage(const v1::ListRequest& request, const ResourceView& view) {
  auto filter =
      ResourceFilter::Parse(request.kind(), request.namespace_(), request.label_selector());
  if (!filter) return tl::unexpected(filter.error());
  if (request.page_size() < 0 ||
      static_cast<std::size_t>(request.page_size()) > limits::kListPage) {
    return Refuse(ErrorCode::kInvalidArgument, fmt::format("`pageSize` must be 1 to {}, got {}",
                                                           limits::kListPage, request.page_size()));
  }
  auto begin = ParseToken(request);
  if (!begin) return tl::unexpected(begin.error());

  const std::size_t page_size =
      request.page_size() == 0 ? kDefaultPage : static_cast<std::size_t>(request.page_size());
  const bool first_page = request.page_token().empty();
  v1::ListResponse response;
  std::size_t count = 0;
  std::size_t bytes = 0;
  bool full = false;
  Continuation last = *begin;
  const std::int64_t generation = view.ForEach(*filter, [&](const model::Resource& resource) {
    const model::ResourceKey& key = resource.key();
    if (!first_page && std::tie(key.ns, key.name) <= std::tie(begin->ns, begin->name)) return;
    if (full || count == page_size) {
      full = true;
      return;
    }
    google::protobuf::Any object = view.Render(resource);
    const std::size_t size = object.ByteSizeLong();
    if (count > 0 && bytes + size > limits::kListPageBytes) {
      full = true;
      return;
    }
    *response.add_resources() = std::move(object);
    bytes += size;
    ++count;
    last.ns = key.ns;
    last.name = key.name;
  });
  response.set_generation(first_page ? generation : begin->generation);
  last.generation = response.generation();
  if (full) response.set_next_page_token(Hex(TokenText(request, last)));
  return response;
}

}  // namespace sluice::controlplane
