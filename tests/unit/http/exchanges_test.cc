// The exchanges of one connection, without a connection and with a clock that stands still.
#include "common/http/exchanges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/limits.h"

namespace sluice::http {
namespace {

using namespace std::chrono_literals;
using State = Exchanges::State;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Hands out the pieces that a test puts in.
struct Script {
  std::deque<BodySource::Piece> pieces;
  int asked = 0;
  bool destroyed = false;
  std::function<void()> wake;
};
class ScriptedSource final : public BodySource {
 public:
  explicit ScriptedSource(Script& script) : script_(script) {}
  ~ScriptedSource() override { script_.destroyed = true; }
  void SetWake(std::function<void()> wake) override { script_.wake = std::move(wake); }
  Piece Next() override {
    ++script_.asked;
    if (script_.pieces.empty()) return {State::kNotYet};
    Piece piece = std::move(script_.pieces.front());
    script_.pieces.pop_front();
    return piece;
  }

 private:
  Script& script_;
};

class ExchangesTest : public ::testing::Test {
 protected:
  // Everything that is said in reply, however many steps it takes.
  std::string Say(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), limits::kHttpReadBytes))) {
      exchanges_.OnInput(bytes.substr(0, limits::kHttpReadBytes));
      StepOn();
    }
    return Hear();
  }
  void StepOn() {
    while (exchanges_.has_step()) exchanges_.Step(now_);
  }
  std::string Hear() {
    std::string heard;
    StepOn();
    while (!exchanges_.output().empty()) {
      heard += exchanges_.output();
      exchanges_.OnSent(exchanges_.output().size(), now_);
      StepOn();
    }
    return heard;
  }
  void Pass(std::chrono::milliseconds time) {
    now_ += time;
    exchanges_.OnTime(now_);
  }
  Response AnswerTo(const Request& request) {
    asked_.push_back(request.method + " " + request.target + " " + request.body);
    if (request.path() == "/stream") return {.source = std::make_unique<ScriptedSource>(script_)};
    if (request.path() == "/watch") {
      return {.source = std::make_unique<ScriptedSource>(script_), .long_lived = true};
    }
    if (request.path() == "/none") return {.status = 204, .body = "never sent"};
    if (request.path() == "/broken") return {.headers = {{"A", "b\r\nC: d"}}, .body = "x"};
    if (request.path() == "/large") return {.body = std::string(1'000'000, 'l')};
    return {.body = "ok\n"};
  }

  MonotonicTime now_{1h};
  std::vector<std::string> asked_;
  bool refuse_early_ = false;
  int wakes_ = 0;
  Script script_;
  const Handler handler_{.before_body = [this](const Request&) -> std::optional<Response> {
                           if (!refuse_early_) return std::nullopt;
                           return Response{.status = 403, .body = "no\n"};
                         },
                         .answer = [this](const Request& r) { return AnswerTo(r); }};
  Exchanges exchanges_{handler_,
                       {.deadline = 10s, .idle = 60s, .lingering = 2s, .body_bytes = 100'000},
                       [this] { ++wakes_; },
                       now_};
};

const std::string kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kGetAndClose = "GET / HTTP/1.1\r\nConnection: close\r\n\r\n";

TEST_F(ExchangesTest, OneConnectionServesManyExchanges) {
  for (int i = 0; i < 3; ++i) {
    const std::string answer = Say(kGet);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("\r\nContent-Length: 3\r\n"));
    EXPECT_THAT(answer, EndsWith("\r\n\r\nok\n"));
    EXPECT_EQ(exchanges_.state(), State::kIdle);
  }
  EXPECT_THAT(Say(kGetAndClose), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(exchanges_.state(), State::kLingering);
}

TEST_F(ExchangesTest, PipelinedRequestsAreAnsweredInOrderOneAStep) {
  exchanges_.OnInput("GET /1 HTTP/1.1\r\n\r\nPUT /2 HTTP/1.1\r\nContent-Length: 1\r\n\r\nbGET /3");
  exchanges_.Step(now_);
  EXPECT_THAT(asked_, ElementsAre("GET /1 "));
  // The next one waits until this answer has been taken away.
  EXPECT_FALSE(exchanges_.has_step());
  EXPECT_THAT(Hear(), HasSubstr("HTTP/1.1 200 "));
  EXPECT_THAT(asked_, ElementsAre("GET /1 ", "PUT /2 b"));
  EXPECT_THAT(Say(" HTTP/1.1\r\n\r\n"), EndsWith("ok\n"));
  EXPECT_THAT(asked_, ElementsAre("GET /1 ", "PUT /2 b", "GET /3 "));
}

TEST_F(ExchangesTest, WhatIsPipelinedIsNotReadWithoutBound) {
  exchanges_.OnInput(kGet);
  StepOn();
  std::size_t taken = 0;
  while (exchanges_.wants_input()) {
    exchanges_.OnInput(kGet);
    taken += kGet.size();
    ASSERT_LE(taken, 2 * limits::kHttpHeaderBytes);
  }
  Hear();
  EXPECT_EQ(asked_.size(), 1 + taken / kGet.size());
  EXPECT_TRUE(exchanges_.wants_input());
}

TEST_F(ExchangesTest, HeadIsAnsweredWithTheSameHeaderAndNoBody) {
  const std::string whole = Say(kGet);
  EXPECT_EQ(Say("HEAD / HTTP/1.1\r\n\r\n"), whole.substr(0, whole.size() - 3));
  const std::string large = Say("HEAD /large HTTP/1.1\r\n\r\n");
  EXPECT_THAT(large, HasSubstr("Content-Length: 1000000\r\n"));
  EXPECT_THAT(large, EndsWith("\r\n\r\n"));
  EXPECT_THAT(Say("HEAD /stream HTTP/1.1\r\n\r\n"), EndsWith("\r\n\r\n"));
  EXPECT_EQ(script_.asked, 0);
  EXPECT_TRUE(script_.destroyed);
  // Nor does it change what follows.
  EXPECT_THAT(Say("nonsense\r\n"), EndsWith("\r\n\r\nnot an HTTP request: bad method\n"));
}

TEST_F(ExchangesTest, AStatusThatHasNoBodyIsSentWithoutOne) {
  const std::string answer = Say("GET /none HTTP/1.1\r\n\r\n");
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(answer, Not(HasSubstr("Transfer-Encoding")));
}

TEST_F(ExchangesTest, Http10EndsAfterItsAnswerUnlessItAsksForMore) {
  EXPECT_THAT(Say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
              HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_EQ(exchanges_.state(), State::kIdle);
  EXPECT_THAT(Say("GET / HTTP/1.0\r\n\r\n"), HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(exchanges_.state(), State::kLingering);
}

TEST_F(ExchangesTest, AStreamToHttp10LastsAsLongAsTheConnection) {
  script_.pieces = {{BodySource::State::kMore, "one"}, {BodySource::State::kLast, ""}};
  const std::string answer = Say("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_THAT(answer, EndsWith("\r\nConnection: close\r\n\r\none"));
  EXPECT_THAT(answer, Not(HasSubstr("Transfer-Encoding")));
  EXPECT_EQ(exchanges_.state(), State::kLingering);
}

TEST_F(ExchangesTest, AStreamIsChunkedAndTheConnectionGoesOn) {
  script_.pieces = {{BodySource::State::kMore, "one"}, {BodySource::State::kLast, "four"}};
  EXPECT_THAT(Say("GET /stream HTTP/1.1\r\n\r\n"),
              EndsWith("\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n4\r\nfour\r\n0\r\n\r\n"));
  EXPECT_TRUE(script_.destroyed);
  EXPECT_EQ(exchanges_.state(), State::kIdle);
}

TEST_F(ExchangesTest, ASourceIsAskedOnlyWhenTheClientHasTakenAllBefore) {
  script_.pieces = {{BodySource::State::kMore, "one"}, {BodySource::State::kMore, "two"}};
  exchanges_.OnInput("GET /stream HTTP/1.1\r\n\r\n");
  StepOn();
  EXPECT_EQ(script_.asked, 1);
  exchanges_.OnSent(exchanges_.output().size() - 1, now_);
  exchanges_.OnWake();
  StepOn();
  EXPECT_EQ(script_.asked, 1);
  exchanges_.OnSent(1, now_);
  StepOn();
  EXPECT_EQ(script_.asked, 2);
}

TEST_F(ExchangesTest, ASourceThatHasNothingYetIsAskedAgainWhenItWakes) {
  EXPECT_THAT(Say("GET /stream HTTP/1.1\r\n\r\n"), EndsWith("\r\n\r\n"));
  const int asked = script_.asked;
  EXPECT_EQ(Hear(), "");
  EXPECT_EQ(script_.asked, asked);
  script_.pieces = {{BodySource::State::kLast, "late"}};
  script_.wake();
  EXPECT_EQ(wakes_, 1);
  exchanges_.OnWake();
  EXPECT_EQ(Hear(), "4\r\nlate\r\n0\r\n\r\n");
}

TEST_F(ExchangesTest, ASourceThatBreaksCutsTheConnection) {
  script_.pieces = {{BodySource::State::kMore, "one"}, {BodySource::State::kBroken}};
  EXPECT_THAT(Say("GET /stream HTTP/1.1\r\n\r\n"), EndsWith("3\r\none\r\n"));
  EXPECT_EQ(exchanges_.state(), State::kClosed);
}

TEST_F(ExchangesTest, AStreamHasToEndWithinTheDeadline) {
  Say("GET /stream HTTP/1.1\r\n\r\n");
  Pass(10s - 1ms);
  EXPECT_EQ(exchanges_.state(), State::kBusy);
  Pass(1ms);
  EXPECT_EQ(exchanges_.state(), State::kClosed);
  EXPECT_TRUE(script_.destroyed);
}

TEST_F(ExchangesTest, AWatchLastsAsLongAsItsPiecesAreTaken) {
  Say("GET /watch HTTP/1.1\r\n\r\n");
  Pass(24h);
  EXPECT_EQ(exchanges_.state(), State::kBusy);
  script_.pieces = {{BodySource::State::kMore, "news"}};
  exchanges_.OnWake();
  EXPECT_EQ(Hear(), "4\r\nnews\r\n");
  Pass(24h);
  EXPECT_EQ(exchanges_.state(), State::kBusy);
  script_.pieces = {{BodySource::State::kMore, "more news"}};
  exchanges_.OnWake();
  StepOn();
  Pass(10s);  // Not taken.
  EXPECT_EQ(exchanges_.state(), State::kClosed);
}

TEST_F(ExchangesTest, AWatchEndsWithItsClient) {
  Say("GET /watch HTTP/1.1\r\n\r\n");
  exchanges_.OnInputEnd();
  EXPECT_EQ(exchanges_.state(), State::kClosed);
  EXPECT_TRUE(script_.destroyed);
}

TEST_F(ExchangesTest, ALargeBodyIsSentWhole) {
  EXPECT_THAT(Say("GET /large HTTP/1.1\r\n\r\n"),
              EndsWith("\r\n\r\n" + std::string(1'000'000, 'l')));
  EXPECT_EQ(exchanges_.state(), State::kIdle);
}

TEST_F(ExchangesTest, AnAnswerThatIsNoHttpBecomesA500) {
  const std::string answer = Say("GET /broken HTTP/1.1\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(answer, Not(HasSubstr("C: d")));
}

TEST_F(ExchangesTest, ABodyIsCalledForWhenTheClientWaits) {
  const std::string header = "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: ";
  EXPECT_EQ(Say(header + "4\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_THAT(Say("body"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(asked_, ElementsAre("PUT / body"));
  // Not for one that has begun, nor from who would not understand.
  EXPECT_THAT(Say(header + "4\r\n\r\nbody"), StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(Say("PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n"), "");
}

TEST_F(ExchangesTest, ABodyThatWillBeRefusedIsNotCalledFor) {
  EXPECT_THAT(Say("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 100001\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(exchanges_.state(), State::kLingering);
}

TEST_F(ExchangesTest, AnEarlyRefusalComesBeforeTheBodyAndEndsTheConnection) {
  refuse_early_ = true;
  EXPECT_THAT(Say("PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 100001\r\n\r\n"),
              StartsWith("HTTP/1.1 403 "));
  EXPECT_EQ(exchanges_.state(), State::kLingering);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(ExchangesTest, AnEarlyRefusalWithoutABodyLeavesTheConnection) {
  refuse_early_ = true;
  EXPECT_THAT(Say(kGet), StartsWith("HTTP/1.1 403 "));
  EXPECT_EQ(exchanges_.state(), State::kIdle);
}

TEST_F(ExchangesTest, ARequestHasToBeWholeWithinTheDeadlineHoweverItTrickles) {
  EXPECT_EQ(Say("GET"), "");
  for (int i = 0; i < 9; ++i) {
    Pass(1s);
    EXPECT_EQ(Say("T"), "");
  }
  Pass(1s);
  EXPECT_THAT(Hear(), StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_EQ(exchanges_.state(), State::kLingering);
}

TEST_F(ExchangesTest, AClientThatDoesNotEvenReadThe408IsCut) {
  Say("GET");
  Pass(10s);
  EXPECT_FALSE(exchanges_.output().empty());
  Pass(2s);
  EXPECT_EQ(exchanges_.state(), State::kClosed);
}

TEST_F(ExchangesTest, TheDeadlineRunsFromTheFirstByteToTheLastOfTheAnswer) {
  Say("GET");
  Pass(9s);
  exchanges_.OnInput(" /large HTTP/1.1\r\n\r\n");
  StepOn();
  exchanges_.OnSent(exchanges_.output().size(), now_);  // The header.
  exchanges_.OnSent(1000, now_);
  Pass(1s);
  EXPECT_EQ(exchanges_.state(), State::kClosed);
}

TEST_F(ExchangesTest, TheNextExchangeHasItsOwnDeadline) {
  Pass(9s);
  Say(kGet);
  Pass(50s);
  Say("GET");
  Pass(9s);
  EXPECT_THAT(Say(" / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ExchangesTest, WhoSaysNothingIsClosedWithoutAWord) {
  Pass(10s);
  EXPECT_EQ(exchanges_.output(), "");
  EXPECT_EQ(exchanges_.state(), State::kClosed);
}

TEST_F(ExchangesTest, AnIdleConnectionIsClosedAfterItsTime) {
  Say(kGet);
  Pass(60s - 1ms);
  EXPECT_EQ(exchanges_.state(), State::kIdle);
  Pass(1ms);
  EXPECT_EQ(exchanges_.state(), State::kClosed);
}

TEST_F(ExchangesTest, AfterTheLastAnswerTheClientIsAwaitedForABoundedTime) {
  Say(kGetAndClose);
  Say(std::string(1'000'000, 'x'));  // Thrown away.
  EXPECT_EQ(exchanges_.state(), State::kLingering);
  Pass(2s);
  EXPECT_EQ(exchanges_.state(), State::kClosed);
}

TEST_F(ExchangesTest, AfterTheLastAnswerTheClientsEndIsTheEnd) {
  Say(kGetAndClose);
  exchanges_.OnInputEnd();
  EXPECT_EQ(exchanges_.state(), State::kClosed);
}

TEST_F(ExchangesTest, WhoHasFinishedSendingGetsEveryAnswer) {
  exchanges_.OnInput(kGet + kGet);
  exchanges_.OnInputEnd();
  Hear();
  EXPECT_EQ(asked_.size(), 2U);
  EXPECT_EQ(exchanges_.state(), State::kClosed);
}

TEST_F(ExchangesTest, ARequestThatWillNeverBeWholeIsNotAnswered) {
  exchanges_.OnInput("GET / HT");
  exchanges_.OnInputEnd();
  EXPECT_EQ(Hear(), "");
  EXPECT_EQ(exchanges_.state(), State::kClosed);
}

}  // namespace
}  // namespace sluice::http
