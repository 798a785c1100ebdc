#include "controlplane/ctl/listing.h"

#include <ostream>
#include <string>

#include "controlplane/ctl/object_text.h"

namespace sluice::ctl {

bool PrintUnlessTable(const Invocation& invocation, const FoundObjects& found) {
  const std::string format = invocation.arguments.Text(kOutputOption.flag);
  if (format == "json") {
    invocation.out << JsonOf(found.resources, found.as_list);
    return true;
  }
  if (found.resources.empty()) {
    invocation.err << found.nothing_found << "\n";
    return true;
  }
  if (format == "yaml") {
    invocation.out << YamlOf(found.resources);
    return true;
  }
  if (format == "name") {
    invocation.out << NamesOf(found.resources);
    return true;
  }
  return false;
}

}  // namespace sluice::ctl
