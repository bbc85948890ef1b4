#include "attachment.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <mutex>

#include "libbpf_log.h"

namespace emp {

namespace {

constexpr char kProgram[] = "emp_xdp";
constexpr char kSockets[] = "emp_sockets";
constexpr char kConstants[] = ".rodata";
constexpr int kAttempts = 20;
constexpr useconds_t kPause = 1000;  // microseconds

std::mutex registry_lock;
std::map<InterfaceId, std::weak_ptr<Attachment>> registry;

struct ObjectCloser {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using Object = std::unique_ptr<bpf_object, ObjectCloser>;

[[noreturn]] void Fail(const char* step, int error) { throw AttachError(step, error, LibbpfLog::Take()); }

void SetConstants(bpf_object* object, uint16_t ether_type) {
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    const char* name = bpf_map__name(map);
    const char* dot = strrchr(name, '.');
    if (dot == nullptr || strcmp(dot, kConstants) != 0) continue;
    if (bpf_map__set_initial_value(map, &ether_type, sizeof ether_type) != 0) Fail("set the EtherType", errno);
  }
}

// Null when the kernel refuses: errno tells.
Object TryLoad(const ProgramSource& source, bool fragments) {
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = kProgram);
  Object object(bpf_object__open_mem(source.object, source.length, &options));
  if (object == nullptr) Fail("open the XDP program", errno);
  bpf_program* program = bpf_object__find_program_by_name(object.get(), kProgram);
  if (program == nullptr) Fail("open the XDP program", ENOENT);
  if (!fragments) bpf_program__set_flags(program, bpf_program__flags(program) & ~BPF_F_XDP_HAS_FRAGS);
  SetConstants(object.get(), source.ether_type);
  return bpf_object__load(object.get()) == 0 ? std::move(object) : nullptr;
}

Object Load(const ProgramSource& source) {
  Object object = TryLoad(source, true);
  if (object == nullptr && errno == EINVAL) object = TryLoad(source, false);  // a kernel before 5.18
  if (object == nullptr) Fail("load the XDP program", errno);
  LibbpfLog::Take();
  return object;
}

UniqueFd Duplicate(int fd) {
  UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw SyscallError("dup");
  return copy;
}

// 0: none.
uint32_t AttachedProgram(uint32_t interface_index) {
  LIBBPF_OPTS(bpf_xdp_query_opts, query);
  if (bpf_xdp_query(static_cast<int>(interface_index), 0, &query) != 0) Fail("query XDP", errno);
  if (query.prog_id != 0) return query.prog_id;
  return query.drv_prog_id != 0 ? query.drv_prog_id : query.skb_prog_id;
}

bool IsGeneric(uint32_t interface_index) {
  LIBBPF_OPTS(bpf_xdp_query_opts, query);
  if (bpf_xdp_query(static_cast<int>(interface_index), 0, &query) != 0) Fail("query XDP", errno);
  return query.attach_mode == XDP_ATTACHED_SKB;
}

UniqueFd FindLink(uint32_t program_id) {
  uint32_t id = 0;
  while (bpf_link_get_next_id(id, &id) == 0) {
    UniqueFd link(bpf_link_get_fd_by_id(id));
    if (!link) continue;  // it went away meanwhile
    bpf_link_info info = {};
    uint32_t length = sizeof info;
    if (bpf_obj_get_info_by_fd(link.get(), &info, &length) != 0) continue;
    if (info.type == BPF_LINK_TYPE_XDP && info.prog_id == program_id) return link;
  }
  return UniqueFd();
}

struct ForeignMaps {
  UniqueFd sockets;
  uint16_t ether_type = 0;
};

ForeignMaps OpenMaps(int program) {
  uint32_t ids[8] = {};
  bpf_prog_info info = {};
  info.nr_map_ids = sizeof ids / sizeof *ids;
  info.map_ids = reinterpret_cast<uintptr_t>(ids);
  uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(program, &info, &length) != 0) Fail("inspect the XDP program", errno);
  ForeignMaps maps;
  for (uint32_t i = 0; i < info.nr_map_ids && i < sizeof ids / sizeof *ids; i++) {
    UniqueFd map(bpf_map_get_fd_by_id(ids[i]));
    bpf_map_info map_info = {};
    length = sizeof map_info;
    if (!map || bpf_obj_get_info_by_fd(map.get(), &map_info, &length) != 0) continue;
    if (map_info.type == BPF_MAP_TYPE_XSKMAP) {
      maps.sockets = std::move(map);
    } else if (map_info.type == BPF_MAP_TYPE_ARRAY && map_info.value_size == sizeof maps.ether_type) {
      uint32_t first = 0;
      bpf_map_lookup_elem(map.get(), &first, &maps.ether_type);
    }
  }
  return maps;
}

std::string ProgramName(int program) {
  bpf_prog_info info = {};
  uint32_t length = sizeof info;
  if (bpf_obj_get_info_by_fd(program, &info, &length) != 0) Fail("inspect the XDP program", errno);
  return info.name;
}

}  // namespace

std::shared_ptr<Attachment> Attachment::Acquire(const InterfaceId& interface, const ProgramSource& source) {
  const uint32_t interface_index = interface.second;
  const std::lock_guard<std::mutex> guard(registry_lock);
  Prune();
  std::weak_ptr<Attachment>& entry = registry[interface];
  std::shared_ptr<Attachment> attachment = entry.lock();
  if (attachment == nullptr || !attachment->Alive(interface_index)) {
    attachment = nullptr;
    // Between "something is attached" and "what is it?" the other may have ended: try again.
    for (int attempt = 0; attachment == nullptr; attempt++) {
      attachment = Create(interface_index, source);
      if (attachment == nullptr) attachment = Join(interface_index, source);
      if (attachment != nullptr) break;
      if (attempt == kAttempts) throw AttachError("attach", EBUSY, "");
      usleep(kPause);
    }
    entry = attachment;
  }
  attachment->Accept(source);
  return attachment;
}

void Attachment::Prune() {
  for (auto entry = registry.begin(); entry != registry.end();) {
    entry = entry->second.expired() ? registry.erase(entry) : std::next(entry);
  }
}

// False when the interface was removed: another one may have its number by now.
bool Attachment::Alive(uint32_t interface_index) const {
  bpf_link_info info = {};
  uint32_t length = sizeof info;
  return bpf_obj_get_info_by_fd(link_.get(), &info, &length) == 0 && info.xdp.ifindex == interface_index;
}

// Null when the interface has a program already.
std::shared_ptr<Attachment> Attachment::Create(uint32_t interface_index, const ProgramSource& source) {
  Object object = Load(source);
  int program = bpf_program__fd(bpf_object__find_program_by_name(object.get(), kProgram));
  LIBBPF_OPTS(bpf_link_create_opts, options, .flags = source.generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
  UniqueFd link(bpf_link_create(program, static_cast<int>(interface_index), BPF_XDP, &options));
  if (!link) {
    if (errno == EBUSY || errno == EEXIST) return nullptr;
    Fail("attach", errno);
  }
  auto attachment = std::make_shared<Attachment>();
  attachment->link_ = std::move(link);
  attachment->sockets_ = Duplicate(bpf_object__find_map_fd_by_name(object.get(), kSockets));
  attachment->ether_type_ = source.ether_type;
  attachment->generic_ = source.generic;
  return attachment;
}

// Null when what was there has gone meanwhile.
std::shared_ptr<Attachment> Attachment::Join(uint32_t interface_index, const ProgramSource& source) {
  uint32_t program_id = AttachedProgram(interface_index);
  if (program_id == 0) return nullptr;
  UniqueFd program(bpf_prog_get_fd_by_id(program_id));
  if (!program) {
    if (errno == ENOENT) return nullptr;
    Fail("open the attached XDP program", errno);
  }
  std::string name = ProgramName(program.get());
  if (name != kProgram) throw AttachError("foreign program", EBUSY, name + " (id " + std::to_string(program_id) + ")");
  auto attachment = std::make_shared<Attachment>();
  attachment->link_ = FindLink(program_id);
  if (!attachment->link_) return nullptr;
  ForeignMaps maps = OpenMaps(program.get());
  if (!maps.sockets) return nullptr;
  attachment->sockets_ = std::move(maps.sockets);
  attachment->ether_type_ = maps.ether_type;
  attachment->generic_ = IsGeneric(interface_index);
  attachment->joined_ = true;
  return attachment;
}

void Attachment::Accept(const ProgramSource& source) const {
  if (ether_type_ != source.ether_type) {
    throw AttachError("other EtherType", EBUSY, std::to_string(ntohs(ether_type_)));
  }
  if (generic_ != source.generic) throw AttachError("other mode", EBUSY, generic_ ? "generic" : "native");
}

bool Attachment::InUse(const InterfaceId& interface, uint32_t queue) {
  const std::lock_guard<std::mutex> guard(registry_lock);
  auto entry = registry.find(interface);
  if (entry == registry.end()) return false;
  std::shared_ptr<Attachment> attachment = entry->second.lock();
  return attachment != nullptr && attachment->queues_.count(queue) != 0;
}

void Attachment::Insert(uint32_t queue, int socket) {
  if (bpf_map_update_elem(sockets_.get(), &queue, &socket, BPF_ANY) != 0) Fail("insert into the XSKMAP", errno);
  const std::lock_guard<std::mutex> guard(registry_lock);
  queues_.insert(queue);
}

void Attachment::Forget(uint32_t queue) {
  const std::lock_guard<std::mutex> guard(registry_lock);
  queues_.erase(queue);
}

}  // namespace emp
