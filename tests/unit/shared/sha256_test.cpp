#include "shared/sha256.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>

namespace agw {
namespace {

std::string hex(const Sha256Digest& digest) {
  std::string text;
  for (const unsigned char byte : digest) {
    constexpr char kDigits[] = "0123456789abcdef";
    text += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return text;
}

TEST(Sha256, HasThePublishedValues) {
  // FIPS 180-2, appendix B, and the digest of nothing.
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(HmacSha256, HasThePublishedValues) {
  // RFC 4231, test cases 1, 2, 6 and 7.
  EXPECT_EQ(hex(HmacSha256(std::string(20, '\x0b')).mac("Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(HmacSha256("Jefe").mac("what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const HmacSha256 long_key(std::string(131, '\xaa'));
  EXPECT_EQ(hex(long_key.mac("Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(hex(long_key.mac("This is a test using a larger than block-size key and a larger than "
                             "block-size data. The key needs to be hashed before being used by the "
                             "HMAC algorithm.")),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

TEST(HmacSha256, AgreesWithOpenSslOverEveryLength) {
  std::string text;
  for (std::size_t key_size : {0, 1, 31, 63, 64, 65, 200}) {
    const std::string key(key_size, 'k');
    const HmacSha256 hmac(key);
    for (text.clear(); text.size() < 300; text += static_cast<char>('a' + text.size() % 26)) {
      Sha256Digest expected;
      unsigned int size = 0;
      ASSERT_NE(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                     reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     expected.data(), &size),
                nullptr);
      ASSERT_EQ(hmac.mac(text), expected) << key_size << " " << text.size();
    }
  }
}

}  // namespace
}  // namespace agw
