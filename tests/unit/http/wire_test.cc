// One request from bytes, and the bytes of an answer.
#include "common/http/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "common/base/limits.h"

namespace sluice::http {
namespace {

using State = RequestReader::State;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kBodyBytes = 1000;

struct Outcome {
  State state = State::kMore;
  std::size_t consumed = 0;
  Request request;
  int status = 0;  // Of a refusal.
  std::string text;
  bool keep_alive = false;
};

// Gives the bytes in pieces of `size`, as a connection would: what was not consumed comes again.
Outcome ReadInPieces(std::string_view bytes, std::size_t size) {
  RequestReader reader(kBodyBytes);
  Outcome outcome;
  std::string waiting;
  while (outcome.state != State::kWhole && outcome.state != State::kRefused) {
    const RequestReader::Step step = reader.Read(waiting);
    waiting.erase(0, step.consumed);
    outcome.consumed += step.consumed;
    outcome.state = step.state;
    if (step.state == State::kHeader) outcome.keep_alive = reader.keep_alive();
    if (step.state != State::kMore) continue;
    if (bytes.empty()) break;
    waiting += bytes.substr(0, size);
    bytes.remove_prefix(std::min(size, bytes.size()));
  }
  if (outcome.state == State::kRefused) {
    outcome.status = reader.refusal().status;
    outcome.text = reader.refusal().body;
  } else {
    outcome.request = reader.request();
  }
  return outcome;
}
Outcome ReadWhole(std::string_view bytes) { return ReadInPieces(bytes, bytes.size() + 1); }

TEST(RequestReader, ReadsMethodPathQueryFieldsAndBody) {
  const std::string bytes =
      "PUT /v1/things?dry=1&x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t size : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    const Outcome outcome = ReadInPieces(bytes, size);
    ASSERT_EQ(outcome.state, State::kWhole) << size;
    EXPECT_EQ(outcome.request.method, "PUT");
    EXPECT_EQ(outcome.request.target, "/v1/things?dry=1&x");
    EXPECT_EQ(outcome.request.path(), "/v1/things");
    EXPECT_EQ(outcome.request.query(), "dry=1&x");
    EXPECT_EQ(outcome.request.Find("hOST"), "a");
    EXPECT_EQ(outcome.request.Find("Accept"), std::nullopt);
    EXPECT_EQ(outcome.request.body, "hello");
  }
}

TEST(RequestReader, ReadsAChunkedBodyInAnyPieces) {
  const std::string bytes =
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;name=value\r\nhello\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\n";
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    const Outcome outcome = ReadInPieces(bytes, size);
    ASSERT_EQ(outcome.state, State::kWhole) << size;
    EXPECT_EQ(outcome.request.body, "hello!");
    EXPECT_EQ(outcome.request.Find("Trailer"), std::nullopt);
    EXPECT_EQ(outcome.consumed, bytes.size());
  }
}

TEST(RequestReader, AnEmptyChunkedBodyMayComeInAnyPieces) {
  const std::string bytes = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    EXPECT_EQ(ReadInPieces(bytes, size).state, State::kWhole) << size;
  }
}

TEST(RequestReader, NeedsNoFields) {
  const Outcome outcome = ReadWhole("GET / HTTP/1.0\r\n\r\n");
  EXPECT_EQ(outcome.state, State::kWhole);
  EXPECT_EQ(outcome.request.path(), "/");
}

TEST(RequestReader, IsNotDoneBeforeTheLastByte) {
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(ReadWhole(request.substr(0, size)).state, State::kMore) << size << " bytes";
  }
}

TEST(RequestReader, LeavesWhatFollowsTheRequest) {
  const std::string first = "GET /a HTTP/1.1\r\n\r\n";
  const Outcome outcome = ReadWhole(first + "GET /b HTTP/1.1\r\n\r\n");
  EXPECT_EQ(outcome.request.path(), "/a");
  EXPECT_EQ(outcome.consumed, first.size());
}

TEST(RequestReader, RefusesAsSoonAsTheFirstLineIsWrong) {
  for (const std::string_view line :
       {"", "GET", "GET /", "GET / HTTP", "GET / HTTP/1.", "GET / HTTP/1.11", "GET / http/1.1",
        "GET  HTTP/1.1", " / HTTP/1.1", "GET healthz HTTP/1.1", "GET http://host/ HTTP/1.1",
        "GET * HTTP/1.1", "GET /a b HTTP/1.1", "GET /\x01 HTTP/1.1", "GET /\xff HTTP/1.1",
        "G\tT / HTTP/1.1", "GET /\r HTTP/1.1", "\x16\x03\x01\x02", "CONNECT a:1 HTTP/1.1"}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{1000}}) {
      EXPECT_EQ(ReadInPieces(std::string(line) + "\r\n", size).status, 400) << line;
    }
  }
}

TEST(RequestReader, RefusesATlsClientAtItsFirstByte) { EXPECT_EQ(ReadWhole("\x16").status, 400); }

TEST(RequestReader, SaysWhichVersionsItKnows) {
  EXPECT_EQ(ReadWhole("GET / HTTP/2.0\r\n").status, 505);
  EXPECT_EQ(ReadWhole("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").status, 505);
  EXPECT_EQ(ReadWhole("GET / HTTP/0.9\r\n").status, 505);
}

TEST(RequestReader, SaysWhichMethodsAreKnown) {
  const Outcome outcome = ReadWhole("BREW /tea HTTP/1.1\r\n\r\n");
  EXPECT_EQ(outcome.status, 501);
  EXPECT_THAT(outcome.text, HasSubstr("GET, HEAD, POST"));
  EXPECT_EQ(ReadWhole("get / HTTP/1.1\r\n\r\n").status, 501);
}

TEST(RequestReader, BoundsTheTarget) {
  const std::string longest(limits::kHttpTargetBytes - 1, 'a');
  EXPECT_EQ(ReadWhole("GET /" + longest + " HTTP/1.1\r\n\r\n").state, State::kWhole);
  EXPECT_EQ(ReadWhole("GET /" + longest + "a HTTP/1.1\r\n\r\n").status, 414);
  // Nor is the end of an endless one awaited.
  const std::string endless = "GET /" + std::string(limits::kHttpHeaderBytes, 'a');
  EXPECT_EQ(ReadWhole(endless).status, 414);
  EXPECT_EQ(ReadInPieces(endless, 100).status, 414);
}

TEST(RequestReader, BoundsTheHeaderHoweverItComes) {
  const std::string line = "GET / HTTP/1.1\r\n";
  const std::string one_long = line + "Cookie: " + std::string(limits::kHttpHeaderBytes, 'a');
  EXPECT_EQ(ReadWhole(one_long).status, 431);
  EXPECT_EQ(ReadInPieces(one_long, 1).status, 431);
  std::string many = line;
  const std::string field = "Name: " + std::string(500, 'v') + "\r\n";
  while (many.size() <= limits::kHttpHeaderBytes) many += field;
  EXPECT_EQ(ReadWhole(many).status, 431);
  EXPECT_EQ(ReadInPieces(many, field.size()).status, 431);
  for (const std::size_t size : {std::size_t{1}, std::size_t{3}, line.size(), std::size_t{1000}}) {
    EXPECT_EQ(ReadInPieces(many + "\r\n", size).status, 431) << size;
  }
}

TEST(RequestReader, BoundsAHeaderOfWhichEachPieceEndsInTheNextField) {
  const std::string line = "GET / HTTP/1.1\r\n";
  std::string request = line;
  while (request.size() <= limits::kHttpHeaderBytes)
    request += "N: " + std::string(490, 'v') + "\r\n";
  // The first piece is the line and a byte of a field, and so is every other one.
  const std::size_t piece = 495;
  request.insert(line.size(), "A: " + std::string(piece - line.size() - 6, 'a') + "\r\n");
  EXPECT_EQ(ReadInPieces(request, piece).status, 431);
}

TEST(RequestReader, TakesAHeaderUpToTheBound) {
  const std::string begin = "GET / HTTP/1.1\r\nCookie: ";
  const std::string end = "\r\n\r\n";
  const std::string request =
      begin + std::string(limits::kHttpHeaderBytes - begin.size() - end.size(), 'a') + end;
  EXPECT_EQ(ReadWhole(request).state, State::kWhole);
  EXPECT_EQ(ReadInPieces(request, 1).state, State::kWhole);
}

TEST(RequestReader, BoundsTheNumberOfFields) {
  std::string request = "GET / HTTP/1.1\r\n";
  for (std::size_t i = 0; i < limits::kHttpHeaderFields; ++i) request += "A: b\r\n";
  EXPECT_EQ(ReadWhole(request + "\r\n").state, State::kWhole);
  EXPECT_EQ(ReadWhole(request + "A: b\r\n\r\n").status, 431);
}

TEST(RequestReader, BoundsTheBody) {
  const std::string body(kBodyBytes, 'b');
  EXPECT_EQ(ReadWhole("PUT / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + body).state,
            State::kWhole);
  EXPECT_EQ(ReadWhole("PUT / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n").status, 413);
  const std::string chunked = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(ReadWhole(chunked + "3e8\r\n" + body + "\r\n0\r\n\r\n").state, State::kWhole);
  EXPECT_EQ(ReadWhole(chunked + "3e8\r\n" + body + "\r\n1\r\nb").status, 413);
  EXPECT_EQ(ReadWhole(chunked + "ffffffffffffffff\r\n").status, 413);
}

TEST(RequestReader, BoundsTheLinesBetweenChunks) {
  const std::string chunked = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(ReadWhole(chunked + "1;" + std::string(limits::kHttpHeaderBytes, 'x')).status, 400);
  EXPECT_EQ(ReadWhole(chunked + "0\r\nA: " + std::string(limits::kHttpHeaderBytes, 'x')).status,
            400);
}

TEST(RequestReader, RefusesFramingThatTwoReadersMayReadDifferently) {
  for (const char* fields : {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
                             "Content-Length: 3\r\nContent-Length: 4\r\n", "Content-Length: -1\r\n",
                             "Content-Length: 0x3\r\n", "Content-Length: 18446744073709551619\r\n",
                             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                             "Content-Length : 3\r\n", "Host: a\r\nHost: b\r\n", "Name\r\n",
                             "Name: a\nHost: b\r\n", "Na\0me: a\r\n", ": nameless\r\n"}) {
    const Outcome outcome =
        ReadWhole("POST / HTTP/1.1\r\n" + std::string(fields) + "\r\n3\r\nabc\r\n0\r\n\r\n");
    EXPECT_EQ(outcome.status, 400) << fields;
  }
  EXPECT_EQ(ReadWhole("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").status, 400);
}

TEST(RequestReader, RefusesTransferCodingsThatItDoesNotKnow) {
  for (const char* coding : {"gzip", "gzip, chunked", "chunked, gzip", "identity", "xchunked"}) {
    EXPECT_EQ(ReadWhole("POST / HTTP/1.1\r\nTransfer-Encoding: " + std::string(coding) + "\r\n\r\n")
                  .status,
              501)
        << coding;
  }
}

TEST(RequestReader, RefusesExpectationsThatItDoesNotKnow) {
  EXPECT_EQ(ReadWhole("GET / HTTP/1.1\r\nExpect: cake\r\n\r\n").status, 417);
}

TEST(RequestReader, KnowsWhetherTheConnectionGoesOn) {
  const auto keeps = [](const std::string& line, const std::string& field) {
    return ReadWhole("GET / " + line + "\r\n" + field + "\r\n").keep_alive;
  };
  EXPECT_TRUE(keeps("HTTP/1.1", ""));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: x, Close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", ""));
  EXPECT_TRUE(keeps("HTTP/1.0", "Connection: keep-alive\r\n"));
}

TEST(AnswerHead, SaysHowLongTheBodyIsAndWhetherMoreMayFollow) {
  EXPECT_EQ(FormatAnswerHead({.status = 503}, {.body_bytes = 8, .keep_alive = false}),
            "HTTP/1.1 503 Service Unavailable\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Cache-Control: no-store\r\n"
            "Content-Length: 8\r\n"
            "Connection: close\r\n\r\n");
  EXPECT_THAT(*FormatAnswerHead({}, {.body_bytes = 0}), Not(HasSubstr("Connection")));
  EXPECT_THAT(*FormatAnswerHead({}, {.body_bytes = 0, .http_1_1 = false}),
              HasSubstr("\r\nConnection: keep-alive\r\n"));
  EXPECT_THAT(*FormatAnswerHead({}, {.body_bytes = std::nullopt}),
              HasSubstr("\r\nTransfer-Encoding: chunked\r\n"));
}

TEST(AnswerHead, CarriesTheFieldsOfTheHandler) {
  const std::string head = *FormatAnswerHead(
      {.status = 405, .headers = {{"Allow", "GET"}, {"Cache-Control", "max-age=60"}, {"X", ""}}},
      {.body_bytes = 0});
  EXPECT_THAT(head, HasSubstr("\r\nAllow: GET\r\n"));
  EXPECT_THAT(head, HasSubstr("\r\nCache-Control: max-age=60\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("no-store")));
}

TEST(AnswerHead, NeverCarriesWhatWouldBeReadAsAnotherFieldOrAnswer) {
  const auto written = [](Response response) {
    return FormatAnswerHead(response, {.body_bytes = 0}).has_value();
  };
  EXPECT_FALSE(written({.headers = {{"A", "b\r\nSet-Cookie: c"}}}));
  EXPECT_FALSE(written({.headers = {{"A", "b\n"}}}));
  EXPECT_FALSE(written({.headers = {{"A: b\r\nC", "d"}}}));
  EXPECT_FALSE(written({.headers = {{"", "d"}}}));
  EXPECT_FALSE(written({.content_type = "text/plain\r\n\r\nx"}));
  EXPECT_FALSE(written({.headers = {{"content-length", "7"}}}));
  EXPECT_FALSE(written({.headers = {{"A", std::string(limits::kHttpAnswerHeaderBytes, 'b')}}}));
  EXPECT_FALSE(written({.status = 42}));
  EXPECT_FALSE(written({.status = 101}));
  EXPECT_TRUE(written({.headers = {{"A", "caf\xc3\xa9\t"}}}));
}

TEST(Chunk, SaysItsSizeInHexadecimal) {
  EXPECT_EQ(FormatChunk("0123456789abcdef!"), "11\r\n0123456789abcdef!\r\n");
}

}  // namespace
}  // namespace sluice::http
