#pragma once
// The sub-commands: each puts one kind of load on a server and reports what came out. A report is
// only returned if nothing at all went wrong.

#include "error.hpp"
#include "options.hpp"
#include "report.hpp"

namespace ringcast::bench {

[[nodiscard]] Expected<Report> run_echo(const CommonOptions& common, const EchoOptions& options);
[[nodiscard]] Expected<Report> run_connect(const CommonOptions& common,
                                           const ConnectOptions& options);
[[nodiscard]] Expected<Report> run_churn(const CommonOptions& common, const ChurnOptions& options);
[[nodiscard]] Expected<Report> run_fanout(const CommonOptions& common,
                                          const FanoutOptions& options);
[[nodiscard]] Expected<Report> run_mixed(const CommonOptions& common, const MixedOptions& options);
[[nodiscard]] Expected<Report> run_publish(const CommonOptions& common,
                                           const PublishOptions& options);
[[nodiscard]] Expected<Report> run_topics(const CommonOptions& common,
                                          const TopicsOptions& options);
[[nodiscard]] Expected<Report> run_storm(const CommonOptions& common, const StormOptions& options);
[[nodiscard]] Expected<Report> run_idle(const CommonOptions& common, const IdleOptions& options);

}  // namespace ringcast::bench
