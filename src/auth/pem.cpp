#include "auth/pem.hpp"

#include <openssl/pem.h>

#include "auth/openssl.hpp"

namespace ringcast::auth {

namespace {

/// One block of PEM, as OpenSSL allocates it.
struct Block {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* octets = nullptr;
    long size = 0;

    Block() = default;
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() {
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(octets);
    }
};

/// Null: the block cannot be read to its end.
KeyPointer key_of(const Block& block) {
    const std::string_view name{block.name};
    const unsigned char* in = block.octets;
    KeyPointer key;
    if (name == PEM_STRING_PUBLIC) {
        key.reset(d2i_PUBKEY(nullptr, &in, block.size));
    } else if (name == PEM_STRING_RSA_PUBLIC) {
        key.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &in, block.size));
    } else if (const CertificatePointer certificate{d2i_X509(nullptr, &in, block.size)}) {
        key.reset(X509_get_pubkey(certificate.get()));
    }
    if (in != block.octets + block.size) return nullptr;
    return key;
}

}  // namespace

std::expected<std::vector<Key>, std::string> keys_in_pem(std::string_view pem) {
    const ErrorQueueGuard guard;
    if (pem.contains("PRIVATE KEY-----"))
        return std::unexpected{"it holds a private key; only the public one belongs here"};
    std::vector<Key> keys;
    const BioPointer bio{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    for (;;) {
        Block block;
        if (PEM_read_bio(bio.get(), &block.name, &block.header, &block.octets, &block.size) != 1)
            break;
        const std::string_view name{block.name};
        if (name != PEM_STRING_PUBLIC && name != PEM_STRING_RSA_PUBLIC && name != PEM_STRING_X509)
            return std::unexpected{"it holds a " + std::string{name} + ", which is no public key"};
        const KeyPointer public_key = key_of(block);
        if (!public_key) return std::unexpected{"the public key in it cannot be read"};
        auto key = Key::from_public_key(public_key.get());
        if (!key) return std::unexpected{std::move(key.error())};
        keys.push_back(std::move(*key));
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        return std::unexpected{"what is between BEGIN and END in it cannot be read"};
    if (keys.empty()) return std::unexpected{"there is no public key in it"};
    return keys;
}

}  // namespace ringcast::auth
