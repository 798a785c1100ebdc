#include "common/base/intrusive_list.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sluice {
namespace {

struct Member : IntrusiveLink<Member> {
  explicit Member(char letter) : name(letter) {}
  char name;
};

std::string Drain(IntrusiveList<Member>& list) {
  std::string names;
  for (; !list.empty(); list.front()->Unlink()) names += list.front()->name;
  return names;
}

TEST(IntrusiveList, GivesTheLatestFirst) {
  Member a('a');
  Member b('b');
  IntrusiveList<Member> list;
  EXPECT_TRUE(list.empty());
  list.PushFront(a);
  list.PushFront(b);
  EXPECT_TRUE(a.linked());
  EXPECT_EQ(Drain(list), "ba");
  EXPECT_FALSE(a.linked());
}

TEST(IntrusiveList, IsLeftFromAnywhereAndByBeingDestroyed) {
  Member a('a');
  auto b = std::make_unique<Member>('b');
  Member c('c');
  Member d('d');
  IntrusiveList<Member> list;
  for (Member* member : {&a, b.get(), &c, &d}) list.PushFront(*member);
  b = nullptr;
  d.Unlink();
  d.Unlink();
  a.Unlink();
  EXPECT_EQ(Drain(list), "c");
}

TEST(IntrusiveList, HandsAllItsMembersOver) {
  Member a('a');
  Member b('b');
  IntrusiveList<Member> from;
  IntrusiveList<Member> to;
  from.PushFront(a);
  from.PushFront(b);
  to.TakeAll(from);
  EXPECT_TRUE(from.empty());
  b.Unlink();
  EXPECT_EQ(to.front(), &a);
  EXPECT_EQ(Drain(to), "a");
}

}  // namespace
}  // namespace sluice
