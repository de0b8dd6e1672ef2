#include "tls/memory_bio.hpp"

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"

namespace ringcast::tls {

namespace {

int read(BIO* bio, char* target, std::size_t size, std::size_t* read_bytes) {
    auto* const transfer = static_cast<Transfer*>(BIO_get_data(bio));
    RC_ASSERT(transfer != nullptr);
    BIO_clear_retry_flags(bio);
    if (transfer->input.empty() || transfer->forbidden != Reason::none) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *read_bytes = std::min(size, transfer->input.size());
    std::memcpy(target, transfer->input.data(), *read_bytes);
    transfer->input = transfer->input.subspan(*read_bytes);
    return 1;
}

int write(BIO* bio, const char* source, std::size_t size, std::size_t* written_bytes) {
    auto* const transfer = static_cast<Transfer*>(BIO_get_data(bio));
    RC_ASSERT(transfer != nullptr);
    BIO_clear_retry_flags(bio);
    transfer->output->append(std::as_bytes(std::span{source, size}));
    *written_bytes = size;
    return 1;
}

long control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;  // Nothing else means anything here.
}

int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

const BIO_METHOD* make_method() {
    BIO_METHOD* const method =
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory of the caller");
    RC_ASSERT(method != nullptr);
    BIO_meth_set_read_ex(method, read);
    BIO_meth_set_write_ex(method, write);
    BIO_meth_set_ctrl(method, control);
    BIO_meth_set_create(method, create);
    return method;
}

}  // namespace

BIO* make_memory_bio() {
    static const BIO_METHOD* const method = make_method();
    BIO* const bio = BIO_new(method);
    RC_ASSERT(bio != nullptr);
    return bio;
}

}  // namespace ringcast::tls
