// What `ctl get` and `ctl fleet` show of each kind in a table: one list of columns a kind. A kind
// without a list gets the columns that every kind has. Pure.
#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "common/model/resource.h"
#include "controlplane/ctl/table.h"

namespace sluice::ctl {

// What a cell may need besides the object.
struct ColumnFacts {
  std::chrono::system_clock::time_point now;
  // `namespace/upstream` to the number of endpoints that its slices add.
  std::map<std::string, int> slice_endpoints;
};

struct Column {
  std::string_view header;
  std::string (*cell)(const model::Resource&, const ColumnFacts&);
  bool wide = false;  // With -o wide only.
};

std::span<const Column> ColumnsOf(const model::Kind& kind);

struct TableStyle {
  bool wide = false;
  bool with_namespace = false;
  bool with_kind = false;   // NAME is `listener/orders-db`.
  bool with_event = false;  // First column of a watch.
};

Row HeaderOf(const model::Kind& kind, const TableStyle& style);
Row RowOf(const model::Resource& resource, const TableStyle& style, const ColumnFacts& facts,
          std::string_view event = {});

}  // namespace sluice::ctl
