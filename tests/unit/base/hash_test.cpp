#include "base/hash.hpp"

#include <doctest/doctest.h>

using ringcast::hash_bytes;

TEST_CASE("a hash depends on the bytes and on the seed, and on nothing else") {
    CHECK(hash_bytes("chat", 1) == hash_bytes("chat", 1));
    CHECK(hash_bytes("chat", 1) != hash_bytes("chat", 2));
    CHECK(hash_bytes("chat", 1) != hash_bytes("chau", 1));
    // The published value of XXH3_64bits for no input.
    CHECK(hash_bytes("", 0) == 0x2d06800538d394c2);
}
