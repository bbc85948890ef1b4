// What a machine at hand does not do: refuse to segment. A socket without checksums does (EINVAL), as devices did (EIO) before
// Linux 6.2.
#include "../../native/core/udp_sender.h"

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "check.h"
#include "unique_fd.h"

using emp::UdpAddress;
using emp::UdpSender;
using emp::UdpTables;
using emp::UniqueFd;

namespace {

struct Fixture {
  UniqueFd from{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  UniqueFd to{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  UdpAddress target{};
  std::vector<uint8_t> frames = std::vector<uint8_t>(64 * 1024, 7);
  std::vector<int32_t> words = std::vector<int32_t>(UdpTables::kBytes / sizeof(int32_t));
  UdpTables tables{reinterpret_cast<uint8_t*>(words.data())};
  UdpSender sender{from.get(), sizeof(sockaddr_in), true, frames.data(), frames.size(), tables};

  Fixture() {
    target.v4.sin_family = AF_INET;
    target.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(to.get(), &target.any, sizeof target.v4) == 0);
    socklen_t length = sizeof target;
    CHECK(getsockname(to.get(), &target.any, &length) == 0);
    sender.SetPeer(0, target);
  }

  void Queue(int index, int length) {
    tables.tx[3 * index] = 1024 * index;
    tables.tx[3 * index + 1] = length;
    tables.tx[3 * index + 2] = 0;
  }

  void Refuse() {
    const int on = 1;
    CHECK(setsockopt(from.get(), SOL_SOCKET, SO_NO_CHECK, &on, sizeof on) == 0);
  }

  // Length of the next datagram, -1 if there is none.
  ssize_t Receive() {
    uint8_t buffer[2048];
    return recv(to.get(), buffer, sizeof buffer, 0);
  }
};

}  // namespace

TEST("a burst of UdpSender is one system call") {
  Fixture f;
  for (int i = 0; i < 5; i++) f.Queue(i, i < 3 ? 100 : 50);
  CHECK(f.sender.Send(5) == 5);
  CHECK(f.tables.status[UdpTables::kCalls] == 1);
  for (int i = 0; i < 5; i++) CHECK(f.Receive() == (i < 3 ? 100 : 50));
  CHECK(f.Receive() == -1);
}

TEST("frames that the kernel refuses to segment go out one by one, each once, and later ones too") {
  Fixture f;
  f.Refuse();
  for (int i = 0; i < 6; i++) f.Queue(i, i < 4 ? 100 : 200);
  CHECK(f.sender.Send(6) == 6);
  CHECK(f.tables.status[UdpTables::kLost] == 0);
  CHECK(f.tables.status[UdpTables::kGsoRefused] == 1);
  for (int i = 0; i < 6; i++) CHECK(f.Receive() == (i < 4 ? 100 : 200));
  CHECK(f.Receive() == -1);

  CHECK(f.sender.Send(6) == 6);
  CHECK(f.tables.status[UdpTables::kCalls] == 1);  // messages of one frame each, still in one call
  for (int i = 0; i < 6; i++) CHECK(f.Receive() == (i < 4 ? 100 : 200));
  CHECK(f.Receive() == -1);
}

TEST("frames that are too long are lost and counted, whatever is around them") {
  Fixture f;
  f.frames.resize(1 << 20);
  UdpSender sender(f.from.get(), sizeof(sockaddr_in), true, f.frames.data(), f.frames.size(), f.tables);
  sender.SetPeer(0, f.target);
  f.Queue(0, 100);
  f.Queue(1, 65508);
  f.Queue(2, 100);
  CHECK(sender.Send(3) == 3);
  CHECK(f.tables.status[UdpTables::kLost] == 1);
  CHECK(f.tables.status[UdpTables::kError] == EMSGSIZE);
  CHECK(f.Receive() == 100);
  CHECK(f.Receive() == 100);
  CHECK(f.Receive() == -1);
}

TEST("UdpSender sends nothing that is not of its frames or to no peer, and counts it as lost") {
  Fixture f;
  const int32_t wild[][3] = {{64 * 1024, 1, 0},     {-1, 64, 0}, {0, -1, 0},
                             {0, 64 * 1024 + 1, 0}, {0, 64, 1},  {0, 64, -1}};
  for (const auto& descriptor : wild) {
    for (int count = 1; count <= 2; count++) {
      f.Queue(0, 64);
      std::copy_n(descriptor, 3, f.tables.tx + 3 * (count - 1));
      CHECK(f.sender.Send(count) == count);
      CHECK(f.tables.status[UdpTables::kLost] == count);
      CHECK(f.tables.status[UdpTables::kCalls] == 0);
    }
  }
  for (int count : {0, -1, 1025, 1 << 20}) CHECK(f.sender.Send(count) == 0);
  CHECK(f.Receive() == -1);
}
