// The compile step: resources → RuntimeConfig, incrementally. Between staging (discovery) and the
// swap (Engine::Publish).
//
// Every object in force is a unit that keeps the resources it was made of. A change rebuilds the
// units it touches, and a changed policy the listeners that name it; all others are shared with the
// config before. A listener refers to its upstreams: their changes leave it alone.
// An object that cannot be put in force as it was sent keeps its last good unit, with everything
// that unit depends on; one that never had a good form waits. Each is named by a problem; its
// siblings go live:
//  - a listener whose references are not all there waits, its last good form stays;
//  - an upstream or policy that is removed while a listener in force refers to it stays until no
//    listener does;
//  - of two listeners on one address the one that was there first stays;
//  - an upstream whose ring finds no room waits, its last good form stays;
//  - an object of a kind that this plane does not compile is refused;
//  - an object that memory does not suffice for is refused.
// Pure, but for states looked up in a StateTable and log files. No sockets, no gRPC. Control thread
// only; the configs it returns are immutable.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/compile/compile_listener.h"
#include "dataplane/compile/compile_upstream.h"
#include "dataplane/compile/resource_update.h"
#include "dataplane/compile/state_table.h"
#include "dataplane/compile/wanted_set.h"
#include "dataplane/config/runtime_config.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::dataplane {

class Compiler {
 public:
  struct Settings {
    std::map<std::string, std::string> labels;  // Of this node, for Listener.spec.nodeSelector.
    std::size_t workers = 1;
    AccessLogDefault access_log;
    RingRoom::Bounds rings = {};
    AllowedFolders sockets = AllowedFolders::Everywhere();  // Where unix listeners may be.
  };
  explicit Compiler(Settings settings);

  // The config for everything wanted so far with `updates` on top; the same pointer as before when
  // nothing in force has changed. Where memory runs out for an object, that object is named and
  // tried again with the next call; where it runs out in between, all of `updates` are.
  std::shared_ptr<const RuntimeConfig> Compile(ResourceUpdates updates);

  // Something waits for what no update may tell of: an access log that cannot be opened, sessions
  // that hold an older form of an upstream, memory. Another Compile, even of no updates, may find
  // it in order.
  bool ToBeTriedAgain() const {
    return !without_log_.empty() || !without_ring_.empty() || !without_memory_.empty() ||
           !unfinished_.empty();
  }

  // nullptr: not wanted.
  const VersionedResource* Wanted(const model::ResourceKey& key) const { return wanted_.Find(key); }

  // What is not in force as it is wanted, as of the last Compile, in key order.
  std::vector<v1::ResourceProblem> Problems() const;

  // The resources that what is in force was made of, in key order.
  std::vector<VersionedResource> InForce() const;

  // Where the resources in force differ from the wanted ones: kept forms, and null for what is
  // wanted but not part of anything in force. Compiling wanted-with-these first and then wanted
  // gives, in another process, what is in force here.
  ResourceUpdates InForceInstead() const;

 private:
  struct UpstreamUnit {
    UpstreamParts parts;
    std::shared_ptr<const UpstreamConfig> config;
  };
  struct PolicyUnit {
    VersionedResource policy;
    std::shared_ptr<const AccessPolicy> compiled;
  };
  struct ListenerUnit {
    VersionedResource listener;
    std::shared_ptr<const ListenerConfig> config;
  };
  using Keys = std::set<model::ResourceKey>;
  using Claim = std::pair<Protocol, std::string>;  // A socket: protocol and address text.
  static Claim ClaimOf(const ListenerUnit& unit);

  // What a change makes necessary.
  struct ToRebuild {
    Keys upstreams;
    Keys listeners;
  };
  // The kinds that this plane compiles: one row each.
  struct KindRow {
    std::string_view name;
    // Adds what has to be rebuilt for the update, which has not been applied to wanted_ yet.
    void (Compiler::*accept)(const ResourceUpdate& update, ToRebuild& rebuild);
  };
  static const KindRow kKinds[];

  void AcceptListener(const ResourceUpdate& update, ToRebuild& rebuild);
  void AcceptUpstream(const ResourceUpdate& update, ToRebuild& rebuild);
  void AcceptSlice(const ResourceUpdate& update, ToRebuild& rebuild);
  void AcceptPolicy(const ResourceUpdate& update, ToRebuild& rebuild);
  void RefuseUnknown(const ResourceUpdate& update);

  // Compile(), but for what happens when memory runs out in between: what it had done stands, and
  // doing it again, with the same updates, does the rest.
  std::shared_ptr<const RuntimeConfig> CompileUnfinished();
  void Accept(const ResourceUpdate& update, ToRebuild& rebuild);
  void AddThoseWithoutMemory(ToRebuild& rebuild);
  void AddListenersUsing(const model::ResourceKey& target, Keys& listeners) const;
  // The slices of an upstream that are wanted.
  std::vector<VersionedResource> SlicesOf(const model::ResourceKey& upstream) const;

  void RebuildPolicy(const model::ResourceKey& key, const VersionedResource& wanted);
  // True: listeners that refer to it have to be linked anew.
  bool RebuildUpstream(const model::ResourceKey& key);
  // Of its ring.
  static std::uint64_t PointsOf(const UpstreamUnit& unit);
  // Puts `unit` in force in the place of the one before; null takes it out of force.
  void ReplaceUpstream(const model::ResourceKey& key, UpstreamUnit* unit);
  UpstreamParts PartsOf(const VersionedResource& upstream,
                        const std::vector<VersionedResource>& slices,
                        const UpstreamParts* in_force);
  void RebuildListener(const model::ResourceKey& key);
  // At most limits::kListeners are in force.
  bool HasRoomFor(const model::ResourceKey& listener);
  tl::expected<ListenerUnit, v1::ResourceProblem> Link(const VersionedResource& listener);
  // Puts `unit` in force in the place of the one before; null takes it out of force.
  void Replace(const model::ResourceKey& key, const ListenerUnit* unit);

  using EarlierUnits = std::map<model::ResourceKey, std::unique_ptr<ListenerUnit>>;
  void SettleAddressConflicts();
  void ReleaseDeparted();
  void Report(const model::ResourceKey& unit, v1::ResourceProblem problem);

  const Settings settings_;
  StateTable states_;
  WantedSet wanted_;

  // In force.
  std::map<model::ResourceKey, UpstreamUnit> upstreams_;
  std::map<model::ResourceKey, PolicyUnit> policies_;
  std::map<model::ResourceKey, ListenerUnit> listeners_;
  ReferenceIndex in_force_references_;
  std::map<Claim, Keys> claims_;
  Keys departed_;  // Upstreams and policies in force that are not wanted any more.
  // Listeners that are tried again each time: others keep them off their address or are too many;
  // their access log cannot be opened.
  Keys conflicted_;
  Keys without_log_;
  RingRoom rings_;
  // Upstreams that are tried again when there is room for so many points.
  std::map<model::ResourceKey, std::uint64_t> without_ring_;
  Keys without_memory_;  // Of any kind; tried again each time.

  std::map<model::ResourceKey, std::vector<v1::ResourceProblem>> problems_;  // By unit.
  std::shared_ptr<const RuntimeConfig> config_;
  // Within one Compile, or what memory has run out for.
  ResourceUpdates unfinished_;
  ToRebuild to_rebuild_;
  EarlierUnits earlier_;  // Of the listeners that are rebuilt.
  bool listeners_changed_ = false;
  bool upstreams_changed_ = false;
};

}  // namespace sluice::dataplane
