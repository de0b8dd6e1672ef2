#pragma once
// An application that takes its time with who may do what: each asks with ?who=NAME, and the test
// decides by that name.

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "unit/api/server_kit.hpp"

namespace ringcast {

class Undecided {
public:
    /// For an `authorize`. Any thread.
    Admission<TopicAccess> keep(Upgrade& upgrade) {
        const std::string who = upgrade.query("who").value_or("");
        {
            const std::lock_guard lock{mutex_};
            tickets_.emplace(who, upgrade.defer<TopicAccess>());
        }
        asked_.note(who);
        return pending;
    }
    /// Waits until that one has asked.
    Ticket<TopicAccess> take(const std::string& who) {
        asked_.await(who);
        const std::lock_guard lock{mutex_};
        return std::move(tickets_.extract(who).mapped());
    }

private:
    Journal asked_;
    std::mutex mutex_;
    std::map<std::string, Ticket<TopicAccess>> tickets_;
};

}  // namespace ringcast
