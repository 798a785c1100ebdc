// A list whose links lie in its members: joining and leaving allocate nothing and take constant
// time, from anywhere in the list. Not thread-safe.
#pragma once

namespace sluice {

template <typename T>
class IntrusiveList;

// A member of one list at a time; T derives from it. Leaves when destroyed.
template <typename T>
class IntrusiveLink {
 public:
  IntrusiveLink() = default;
  IntrusiveLink(const IntrusiveLink&) = delete;
  IntrusiveLink& operator=(const IntrusiveLink&) = delete;

  bool linked() const { return link_ != nullptr; }
  // May be called again; leaving twice does nothing.
  void Unlink() {
    if (link_ == nullptr) return;
    *link_ = next_;
    if (next_ != nullptr) Base(next_)->link_ = link_;
    next_ = nullptr;
    link_ = nullptr;
  }

 protected:
  ~IntrusiveLink() { Unlink(); }

 private:
  friend class IntrusiveList<T>;
  static IntrusiveLink* Base(T* member) { return member; }
  T* next_ = nullptr;
  T** link_ = nullptr;  // The pointer that points here; null while in no list.
};

// One pointer; members outlive their place in it, or leave it by being destroyed.
template <typename T>
class IntrusiveList {
 public:
  IntrusiveList() = default;
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const { return head_ == nullptr; }
  T* front() const { return head_; }
  // `member` is in no list.
  void PushFront(T& member) {
    Link& link = member;
    link.next_ = head_;
    link.link_ = &head_;
    if (head_ != nullptr) Link::Base(head_)->link_ = &link.next_;
    head_ = &member;
  }
  // Takes all members of `other`, which is empty then; this is empty before.
  void TakeAll(IntrusiveList& other) {
    head_ = other.head_;
    other.head_ = nullptr;
    if (head_ != nullptr) Link::Base(head_)->link_ = &head_;
  }

 private:
  using Link = IntrusiveLink<T>;
  T* head_ = nullptr;
};

}  // namespace sluice
