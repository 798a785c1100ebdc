// What ctl says on standard error when something went wrong, and the exit status that goes with it.
#pragma once

#include <string>
#include <vector>

#include "common/base/error.h"
#include "common/manifest/manifest.h"
#include "controlplane/ctl/client.h"
#include "controlplane/ctl/command.h"

namespace sluice::ctl {

// `error: …`; the command line was wrong.
Exit ReportUsage(const Invocation& invocation, const std::string& message);
Exit ReportUsage(const Invocation& invocation, const Error& error);
// Everything that is wrong with the manifests, a line each; after kViolationsReported how many
// more there are.
Exit ReportDiagnostics(const Invocation& invocation,
                       const std::vector<manifest::Diagnostic>& diagnostics);
// A refused or failed call. With `documents`, violations get the positions of the resources sent,
// which were these, in this order.
Exit ReportCall(const Invocation& invocation, const CallError& failure,
                const std::vector<manifest::Document>& documents = {});

// The lines of ReportDiagnostics. Pure.
std::string DiagnosticsText(const std::vector<manifest::Diagnostic>& diagnostics);
// The lines of ReportCall. Pure.
std::string CallFailureText(const CallError& failure,
                            const std::vector<manifest::Document>& documents);

}  // namespace sluice::ctl
