// The staged set of a discovery client: what the server has sent, what of it was accepted, and what
// waits for its generation to be complete. Survives streams. Pure state, no wire format, no I/O.
// Control thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/model/generation_digest.h"
#include "dataplane/compile/resource_update.h"
#include "sluice/v1/generation.pb.h"
#include "sluice/v1/node_status.pb.h"

namespace sluice::dataplane {

// Changes that belong together: to be put in force at once.
struct StagedSwap {
  ResourceUpdates updates;
  // Generation.number and .digest; 0 and empty from a server that sends none.
  std::int64_t generation = 0;
  std::string digest;
};

// One consistent state of what was accepted, as it goes to and comes from the state file.
struct AcceptedState {
  std::vector<VersionedResource> resources;
  std::int64_t generation = 0;
  std::string digest;
  std::string generation_version;  // Discovery version of the Generation resource.
};

class Staging {
 public:
  // Type URL and the resource's name on the stream.
  using Name = std::pair<std::string, std::string>;
  using Problems = std::vector<v1::ResourceProblem>;

  // What an earlier process accepted. Before the first stream.
  void Restore(const AcceptedState& state);
  // What had been accepted when the last swap was taken, whatever has been staged since.
  AcceptedState Taken() const;

  // A new stream begins. The server may answer with other versions than the ones refused so far.
  // `held_is_known` false: it will send all there is, so what it does not send by then is gone.
  void OnNewStream(bool held_is_known);

  // The limit on resources is reached and `name` is not among those there are.
  bool Full(const Name& name) const;
  void Accept(const Name& name, VersionedResource held);
  // The last accepted form of the name, if there is one, stays.
  void Refuse(const Name& name, const std::string& version, Problems problems);
  void Remove(const Name& name);
  void SetGeneration(const v1::Generation& generation, const std::string& version);
  void RemoveGeneration();

  // Atomic: everything staged, once it has the digest of a generation that was not taken yet.
  // Otherwise what has changed since the last time, if anything.
  std::optional<StagedSwap> TakeSwap(bool atomic);
  // A generation is announced that the staged set does not have the digest of.
  bool Incomplete() const { return generation_.has_value() && !generation_taken_; }

  // The server's versions of what was accepted, by name: exactly what a reconnect announces.
  std::map<std::string, std::string> AcceptedVersions(std::string_view type_url) const;
  const std::string* AcceptedVersion(const Name& name) const;
  // What is refused just now.
  Problems Refusals() const;

 private:
  struct Entry {
    // The server's latest version as far as we know; nothing: not heard of on a stream that will
    // send all there is.
    std::optional<std::string> received;
    VersionedResource accepted;  // Null resource: none yet.
  };
  struct RefusedVersion {
    std::string version;
    Problems problems;
  };
  void SetReceived(const Name& name, Entry& entry, std::optional<std::string> version);
  bool Matches(const std::string& digest) const { return received_sum_.Hex() == digest; }
  bool MatchesAsRefused(const std::string& digest) const;
  void RemoveUnheardOf();
  void RememberTaken(const Name& name, const VersionedResource& accepted);

  std::map<Name, Entry> entries_;
  model::DigestSum received_sum_;  // Over what is received: follows each change of it.
  std::map<Name, RefusedVersion> refusals_;
  std::map<model::ResourceKey, VersionedResource> pending_;
  // What pending_ replaces, as it was when the last swap was taken; null resources: not there.
  std::map<Name, VersionedResource> taken_before_;
  std::optional<v1::Generation> taken_generation_;  // Of the last swap.
  std::string taken_generation_version_;
  std::optional<v1::Generation> generation_;
  std::string generation_version_;
  bool generation_taken_ = false;
};

}  // namespace sluice::dataplane
