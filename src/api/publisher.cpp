#include "api/publisher.hpp"

#include "api/topic_rules.hpp"
#include "dialect/raw.hpp"

namespace ringcast {

Publisher::~Publisher() {
    if (impl_ == nullptr) return;
    impl_->lane.abandon();
    impl_->lane.release();
    delete impl_;
}

PublishStatus Publisher::publish(std::string_view topic, const Message& message) {
    if (impl_ == nullptr) return PublishStatus::closed;
    if (api::check_topic(impl_->namespaces, topic) != dialect::TopicNameFault::none)
        return PublishStatus::invalid_topic;
    if (message.payload.size() > message_bytes_max) return PublishStatus::too_large;
    return impl_->lane.publish(topic, dialect::raw::kind_of(message.kind), message.bytes());
}

}  // namespace ringcast
