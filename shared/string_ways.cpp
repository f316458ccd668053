#include "shared/string_ways.h"

#include <array>

#include "shared/string_blocks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace agw {
namespace {

const char* skipNothing(const char* p, const char*) noexcept { return p; }

#if defined(__x86_64__)

constexpr char byte(int value) { return static_cast<char>(value); }

// The comparisons are signed: bytes of 0x80 and above are negative, in the order of their values.
class Sse2Block {
 public:
  explicit Sse2Block(const char* p) noexcept
      : parts_{load(p), load(p + 16), load(p + 32), load(p + 48)} {}

  bool allPlain() const noexcept {
    const __m128i low = _mm_or_si128(marked(parts_[0]), marked(parts_[1]));
    const __m128i high = _mm_or_si128(marked(parts_[2]), marked(parts_[3]));
    return _mm_movemask_epi8(_mm_or_si128(low, high)) == 0;
  }
  std::uint64_t quotes() const noexcept { return equal('"'); }
  std::uint64_t backslashes() const noexcept { return equal('\\'); }
  std::uint64_t controlsAndHigh() const noexcept { return below(0x20); }
  std::uint64_t high() const noexcept { return bits(parts_[0], parts_[1], parts_[2], parts_[3]); }
  std::uint64_t continuations() const noexcept { return below(byte(0xC0)); }
  std::uint64_t leadsOfThree() const noexcept { return high() & ~below(byte(0xE0)); }
  std::uint64_t leadsOfFour() const noexcept { return high() & ~below(byte(0xF0)); }
  std::uint64_t leadsToCheck() const noexcept {
    return bits(odd(parts_[0]), odd(parts_[1]), odd(parts_[2]), odd(parts_[3]));
  }

 private:
  static __m128i load(const char* p) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static __m128i marked(__m128i part) noexcept {
    return _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(part, _mm_set1_epi8('"')),
                                     _mm_cmpeq_epi8(part, _mm_set1_epi8('\\'))),
                        _mm_cmplt_epi8(part, _mm_set1_epi8(0x20)));
  }
  // C0, C1, E0, ED, F0 and above.
  static __m128i odd(__m128i part) noexcept {
    return _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(part, _mm_set1_epi8(byte(0xE0))),
                                     _mm_cmpeq_epi8(part, _mm_set1_epi8(byte(0xED)))),
                        _mm_or_si128(_mm_cmplt_epi8(part, _mm_set1_epi8(byte(0xC2))),
                                     _mm_cmpgt_epi8(part, _mm_set1_epi8(byte(0xEF)))));
  }
  static std::uint64_t bits(__m128i a, __m128i b, __m128i c, __m128i d) noexcept {
    const auto low = static_cast<unsigned>(_mm_movemask_epi8(a)) |
                     static_cast<unsigned>(_mm_movemask_epi8(b)) << 16;
    const auto high = static_cast<unsigned>(_mm_movemask_epi8(c)) |
                      static_cast<unsigned>(_mm_movemask_epi8(d)) << 16;
    return low | std::uint64_t{high} << 32;
  }
  std::uint64_t equal(char c) const noexcept {
    const __m128i all = _mm_set1_epi8(c);
    return bits(_mm_cmpeq_epi8(parts_[0], all), _mm_cmpeq_epi8(parts_[1], all),
                _mm_cmpeq_epi8(parts_[2], all), _mm_cmpeq_epi8(parts_[3], all));
  }
  std::uint64_t below(char c) const noexcept {
    const __m128i all = _mm_set1_epi8(c);
    return bits(_mm_cmplt_epi8(parts_[0], all), _mm_cmplt_epi8(parts_[1], all),
                _mm_cmplt_epi8(parts_[2], all), _mm_cmplt_epi8(parts_[3], all));
  }

  __m128i parts_[4];
};

const char* skipSse2(const char* p, const char* end) noexcept {
  return skipTextBlocks<Sse2Block>(p, end);
}

#define AGW_AVX2 [[gnu::target("avx2,bmi")]]

class Avx2Block {
 public:
  AGW_AVX2 explicit Avx2Block(const char* p) noexcept : low_(load(p)), high_(load(p + 32)) {}

  AGW_AVX2 bool allPlain() const noexcept {
    const __m256i all = _mm256_or_si256(marked(low_), marked(high_));
    return _mm256_testz_si256(all, all) != 0;
  }
  AGW_AVX2 std::uint64_t quotes() const noexcept { return equal('"'); }
  AGW_AVX2 std::uint64_t backslashes() const noexcept { return equal('\\'); }
  AGW_AVX2 std::uint64_t controlsAndHigh() const noexcept { return below(0x20); }
  AGW_AVX2 std::uint64_t high() const noexcept { return bits(low_, high_); }
  AGW_AVX2 std::uint64_t continuations() const noexcept { return below(byte(0xC0)); }
  AGW_AVX2 std::uint64_t leadsOfThree() const noexcept { return high() & ~below(byte(0xE0)); }
  AGW_AVX2 std::uint64_t leadsOfFour() const noexcept { return high() & ~below(byte(0xF0)); }
  AGW_AVX2 std::uint64_t leadsToCheck() const noexcept { return bits(odd(low_), odd(high_)); }

 private:
  AGW_AVX2 static __m256i load(const char* p) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  AGW_AVX2 static __m256i marked(__m256i part) noexcept {
    return _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(part, _mm256_set1_epi8('"')),
                                           _mm256_cmpeq_epi8(part, _mm256_set1_epi8('\\'))),
                           _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), part));
  }
  AGW_AVX2 static __m256i odd(__m256i part) noexcept {
    return _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(part, _mm256_set1_epi8(byte(0xE0))),
                                           _mm256_cmpeq_epi8(part, _mm256_set1_epi8(byte(0xED)))),
                           _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(byte(0xC2)), part),
                                           _mm256_cmpgt_epi8(part, _mm256_set1_epi8(byte(0xEF)))));
  }
  AGW_AVX2 static std::uint64_t bits(__m256i low, __m256i high) noexcept {
    return static_cast<unsigned>(_mm256_movemask_epi8(low)) |
           std::uint64_t{static_cast<unsigned>(_mm256_movemask_epi8(high))} << 32;
  }
  AGW_AVX2 std::uint64_t equal(char c) const noexcept {
    const __m256i all = _mm256_set1_epi8(c);
    return bits(_mm256_cmpeq_epi8(low_, all), _mm256_cmpeq_epi8(high_, all));
  }
  AGW_AVX2 std::uint64_t below(char c) const noexcept {
    const __m256i all = _mm256_set1_epi8(c);
    return bits(_mm256_cmpgt_epi8(all, low_), _mm256_cmpgt_epi8(all, high_));
  }

  __m256i low_;
  __m256i high_;
};

AGW_AVX2 const char* skipAvx2(const char* p, const char* end) noexcept {
  return skipTextBlocks<Avx2Block>(p, end);
}

constexpr std::array<StringWay, 3> kWays = {{
    {"byte by byte", skipNothing},
    {"SSE2", skipSse2},
    {"AVX2", skipAvx2},
}};

std::size_t usableWays() noexcept {
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
  return has_avx2 ? kWays.size() : kWays.size() - 1;
}

#else

constexpr std::array<StringWay, 1> kWays = {{{"byte by byte", skipNothing}}};

std::size_t usableWays() noexcept { return kWays.size(); }

#endif

}  // namespace

std::span<const StringWay> stringWays() noexcept { return {kWays.data(), usableWays()}; }

SkipText bestSkipText() noexcept { return kWays[usableWays() - 1].skip; }

}  // namespace agw
