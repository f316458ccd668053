// HTTP/1.1 answers of one connection, one after another, fed with whatever a read returned. A thin
// cover over Beast, which costs seconds to include.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace agent_load {

// Gets the body as it comes, without the chunks' frame.
class BodySink {
 public:
  virtual void takeBody(std::string_view bytes) = 0;

 protected:
  ~BodySink() = default;
};

class AnswerParser {
 public:
  enum class State { NeedMore, Complete, Malformed };

  // `sink` must outlive the parser.
  explicit AnswerParser(BodySink& sink);
  ~AnswerParser();
  AnswerParser(const AnswerParser&) = delete;
  AnswerParser& operator=(const AnswerParser&) = delete;

  // Takes bytes of the answer; `used` says how many, the others must be given again with more
  // behind them. Once it is Complete or Malformed only reset() may follow.
  State put(std::string_view bytes, std::size_t& used);
  // The peer closed its side: Complete for an answer that ends so.
  State putEnd();
  void reset();  // for the next answer

  unsigned status() const;  // 0 before the header is complete
  bool keepAlive() const;   // of a complete answer

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace agent_load
