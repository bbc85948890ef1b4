-- Wireshark dissector for Ethernet Message Passing, version 1, as docs/wire.md describes it byte by byte.
--
--   wireshark -X lua_script:emp.lua          or put this file into the folder "Personal Lua Plugins"
--
-- EtherType 0x88B5 and UDP port 34997; for other numbers use "Decode As".

local VERSION = 1
local HEADER_BYTES = 32
local CHECKED_HEADER_BYTES = 36
local HEADER_SEED = 0x31504D45
local PAYLOAD_SEED = 0x70504D45

local TYPE = { CONNECT = 1, ACCEPT = 2, REFUSE = 3, DATA = 4, ACK = 5, RESET = 6, PROBE = 7 }
local types = {}
for name, number in pairs(TYPE) do types[number] = name end

local refusals = {
  [1] = 'no listener', [2] = 'refused by the application', [3] = 'version', [4] = 'backlog full', [5] = 'parameters',
}
local resets = {
  [1] = 'unknown channel', [2] = 'aborted', [3] = 'protocol violated', [4] = 'message too long',
  [5] = 'the handler threw', [6] = 'host closed', [7] = 'gave up', [8] = 'ended in peace',
}

local FLAG = { FIRST = 0x01, LAST = 0x02, PAYLOAD_CHECK = 0x04, FIN = 0x08, RESENT = 0x10 }
local flag_order = { 'FIRST', 'LAST', 'PAYLOAD_CHECK', 'FIN', 'RESENT' }
local UNKNOWN_FLAGS = 0xe0

-- 32-bit arithmetic. Numbers are kept in 0 .. 2^32 - 1, which both a double (Lua 5.2) and an integer (5.3 and later) hold;
-- the libraries may give negative ones, hence the remainders.

local bits = bit32 or bit
local TWO_32 = 4294967296

local function xor_shift(x, n) return bits.bxor(x, bits.rshift(x, n)) % TWO_32 end
local function rotate_left(x, n) return bits.bor(bits.lshift(x, n) % TWO_32, bits.rshift(x, 32 - n) % TWO_32) % TWO_32 end
local function has(value, flag) return bits.band(value, flag) ~= 0 end

-- In two halves: the product of two 32-bit numbers does not fit a double.
local function multiply(a, b)
  local low = a % 65536
  local high = (a - low) / 65536
  return (low * b + high * b % 65536 * 65536) % TWO_32
end

local P1, P2, P3, P4, P5 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1

local function round(lane, word)
  return multiply(rotate_left((lane + multiply(word, P2)) % TWO_32, 13), P1)
end

-- XXH32 of `length` bytes; `word(i)` and `byte(i)` read at byte i, little-endian.
local function xxh32(length, seed, word, byte)
  local at, hash = 0, 0
  if length >= 16 then
    local v1 = (seed + P1 + P2) % TWO_32
    local v2 = (seed + P2) % TWO_32
    local v3 = seed
    local v4 = (seed - P1) % TWO_32
    while at + 16 <= length do
      v1 = round(v1, word(at))
      v2 = round(v2, word(at + 4))
      v3 = round(v3, word(at + 8))
      v4 = round(v4, word(at + 12))
      at = at + 16
    end
    hash = rotate_left(v1, 1) + rotate_left(v2, 7) + rotate_left(v3, 12) + rotate_left(v4, 18)
  else
    hash = seed + P5
  end
  hash = (hash + length) % TWO_32
  while at + 4 <= length do
    hash = multiply(rotate_left((hash + multiply(word(at), P3)) % TWO_32, 17), P4)
    at = at + 4
  end
  while at < length do
    hash = multiply(rotate_left((hash + multiply(byte(at), P5)) % TWO_32, 11), P1)
    at = at + 1
  end
  hash = multiply(xor_shift(hash, 15), P2)
  hash = multiply(xor_shift(hash, 13), P3)
  return xor_shift(hash, 16)
end

local HEADER_CHECK_AT = 28

local function header_check(buffer, length)
  return xxh32(length, HEADER_SEED, function(at)
    if at == HEADER_CHECK_AT then return 0 end -- the check itself counts as zero
    return buffer(at, 4):le_uint()
  end)
end

local function payload_check(buffer, start, length)
  return xxh32(
    length, PAYLOAD_SEED,
    function(at) return buffer(start + at, 4):le_uint() end,
    function(at) return buffer(start + at, 1):uint() end
  )
end

-- The protocol and its fields.

local emp = Proto('emp', 'Ethernet Message Passing')
local f = {}

f.version = ProtoField.uint8('emp.version', 'Version', base.DEC, nil, 0xf0)
f.type = ProtoField.uint8('emp.type', 'Type', base.DEC, types, 0x0f)
f.flags = ProtoField.uint8('emp.flags', 'Flags', base.HEX)
f.first = ProtoField.bool('emp.flags.first', 'FIRST: begins a message', 8, nil, FLAG.FIRST)
f.last = ProtoField.bool('emp.flags.last', 'LAST: ends a message', 8, nil, FLAG.LAST)
f.checked = ProtoField.bool('emp.flags.payload_check', 'PAYLOAD_CHECK: the payload is checked', 8, nil, FLAG.PAYLOAD_CHECK)
f.fin = ProtoField.bool('emp.flags.fin', "FIN: the sender's last frame", 8, nil, FLAG.FIN)
f.resent = ProtoField.bool('emp.flags.resent', 'RESENT: was sent before', 8, nil, FLAG.RESENT)
f.length = ProtoField.uint16('emp.length', 'Payload length')
f.header_length = ProtoField.uint8('emp.header_length', 'Header length', base.UNIT_STRING, { ' words' })
f.path = ProtoField.uint8('emp.path', 'Path')
f.message_type = ProtoField.uint16('emp.message_type', 'Message type')
f.destination = ProtoField.uint32('emp.destination', 'Destination channel', base.HEX)
f.source = ProtoField.uint32('emp.source', 'Source channel', base.HEX)
f.sequence = ProtoField.uint32('emp.sequence', 'Sequence number')
f.acknowledgement = ProtoField.uint32('emp.acknowledgement', 'Acknowledgement')
f.credit = ProtoField.uint16('emp.credit', 'Credit', base.UNIT_STRING, { ' frames' })
f.reserved = ProtoField.uint16('emp.reserved', 'Reserved', base.HEX)
f.header_check = ProtoField.uint32('emp.header_check', 'Header check', base.HEX)
f.header_check_status = ProtoField.string('emp.header_check.status', 'Header check status')
f.payload_check = ProtoField.uint32('emp.payload_check', 'Payload check', base.HEX)
f.payload_check_status = ProtoField.string('emp.payload_check.status', 'Payload check status')
f.extensions = ProtoField.bytes('emp.extensions', 'Extensions')
f.payload = ProtoField.bytes('emp.payload', 'Payload')
f.padding = ProtoField.bytes('emp.padding', 'Padding')

f.message_length = ProtoField.uint32('emp.message_length', 'Length of the whole message')

f.port = ProtoField.uint32('emp.handshake.port', 'Port')
f.max_message = ProtoField.uint32('emp.handshake.max_message', 'Longest message taken')
f.mtu = ProtoField.uint32('emp.handshake.mtu', 'Largest frame taken')
f.window = ProtoField.uint16('emp.handshake.window', 'Window', base.UNIT_STRING, { ' frames' })
f.handshake_version = ProtoField.uint8('emp.handshake.version', 'Highest version spoken')
f.options = ProtoField.uint8('emp.handshake.options', 'Options', base.HEX)
f.option_check = ProtoField.bool('emp.handshake.options.payload_check', 'Payload checks both ways', 8, nil, 0x01)
f.handshake_reserved = ProtoField.uint32('emp.handshake.reserved', 'Reserved', base.HEX)

f.refusal = ProtoField.uint16('emp.refuse.reason', 'Reason', base.DEC, refusals)
f.reset = ProtoField.uint16('emp.reset.reason', 'Reason', base.DEC, resets)
f.reason_version = ProtoField.uint8('emp.reason.version', 'Highest version spoken')
f.reason_reserved = ProtoField.uint8('emp.reason.reserved', 'Reserved', base.HEX)

f.sack = ProtoField.bytes('emp.sack', 'Selective acknowledgements')
f.sack_frame = ProtoField.uint32('emp.sack.frame', 'Has arrived')

emp.fields = f

local e = {
  short = ProtoExpert.new('emp.short', 'Shorter than its header', expert.group.MALFORMED, expert.severity.ERROR),
  header_length = ProtoExpert.new(
    'emp.header_length.bad', 'Bad header length', expert.group.MALFORMED, expert.severity.ERROR),
  header_check = ProtoExpert.new(
    'emp.header_check.bad', 'Bad header check', expert.group.CHECKSUM, expert.severity.ERROR),
  version = ProtoExpert.new('emp.version.bad', 'Unknown version', expert.group.PROTOCOL, expert.severity.ERROR),
  type = ProtoExpert.new('emp.type.bad', 'Unknown type', expert.group.PROTOCOL, expert.severity.ERROR),
  flags = ProtoExpert.new('emp.flags.bad', 'Unknown flags', expert.group.PROTOCOL, expert.severity.ERROR),
  length = ProtoExpert.new(
    'emp.length.bad', 'The payload reaches beyond the frame', expert.group.MALFORMED, expert.severity.ERROR),
  payload_check = ProtoExpert.new(
    'emp.payload_check.bad', 'Bad payload check', expert.group.CHECKSUM, expert.severity.ERROR),
  resent = ProtoExpert.new('emp.resent', 'Sent again', expert.group.SEQUENCE, expert.severity.NOTE),
  refused = ProtoExpert.new('emp.refused', 'Refused', expert.group.SEQUENCE, expert.severity.NOTE),
  reset = ProtoExpert.new('emp.reset', 'Reset', expert.group.SEQUENCE, expert.severity.WARN),
  reserved = ProtoExpert.new('emp.reserved.nonzero', 'Reserved bits are set', expert.group.PROTOCOL, expert.severity.NOTE),
}
emp.experts = e

emp.prefs.payload = Pref.bool('Verify payload checks', true, 'Costs time with many long frames')

-- Payloads. Each takes the tree and the payload as a range, and may add to the info column.

local function add_handshake(tree, payload)
  if payload:len() < 20 then
    tree:add(f.payload, payload):add_proto_expert_info(e.short, 'Shorter than a handshake')
    return ''
  end
  tree:add_le(f.port, payload(0, 4))
  tree:add_le(f.max_message, payload(4, 4))
  tree:add_le(f.mtu, payload(8, 4))
  tree:add_le(f.window, payload(12, 2))
  tree:add(f.handshake_version, payload(14, 1))
  tree:add(f.options, payload(15, 1)):add(f.option_check, payload(15, 1))
  tree:add_le(f.handshake_reserved, payload(16, 4))
  return ' port ' .. payload(0, 4):le_uint()
end

local function add_reason(tree, payload, field, names, problem)
  if payload:len() < 4 then
    tree:add(f.payload, payload):add_proto_expert_info(e.short, 'Shorter than a reason')
    return ''
  end
  local name = names[payload(0, 2):le_uint()] or 'unknown reason'
  tree:add_le(field, payload(0, 2)):add_proto_expert_info(problem, name)
  tree:add(f.reason_version, payload(2, 1))
  tree:add(f.reason_reserved, payload(3, 1))
  return ': ' .. name
end

local function add_data(tree, payload, flags)
  local starts_fragmented = has(flags, FLAG.FIRST) and not has(flags, FLAG.LAST)
  if starts_fragmented and payload:len() >= 4 then
    tree:add_le(f.message_length, payload(0, 4))
    if payload:len() > 4 then tree:add(f.payload, payload(4)) end
    return ' of ' .. payload(0, 4):le_uint()
  end
  tree:add(f.payload, payload)
  return ''
end

local function add_sack(tree, payload, acknowledgement)
  local subtree = tree:add(f.sack, payload)
  local count = 0
  for at = 0, payload:len() - 1 do
    local byte = payload(at, 1):uint()
    for k = 0, 7 do
      if has(byte, bits.lshift(1, k)) then
        subtree:add(f.sack_frame, payload(at, 1), (acknowledgement + 1 + at * 8 + k) % TWO_32)
        count = count + 1
      end
    end
  end
  return ' +' .. count
end

local function add_payload(tree, payload, type, flags, acknowledgement)
  if type == TYPE.CONNECT or type == TYPE.ACCEPT then return add_handshake(tree, payload) end
  if type == TYPE.REFUSE then return add_reason(tree, payload, f.refusal, refusals, e.refused) end
  if type == TYPE.RESET then return add_reason(tree, payload, f.reset, resets, e.reset) end
  if type == TYPE.DATA then return add_data(tree, payload, flags) end
  if type == TYPE.ACK then return add_sack(tree, payload, acknowledgement) end
  tree:add(f.payload, payload)
  return ''
end

-- Adds a check, and whether it is what it should be.
local function add_check(tree, field, status, range, expected, problem)
  local item = tree:add_le(field, range)
  local good = range:le_uint() == expected
  tree:add(status, range, good and 'good' or 'bad'):set_generated()
  if good then
    item:append_text(' (good)')
  else
    item:append_text(string.format(' (bad, should be 0x%08x)', expected))
    item:add_proto_expert_info(problem)
  end
  return good
end

local function add_flags(tree, range)
  local flags = range:uint()
  local names = {}
  for _, name in ipairs(flag_order) do
    if has(flags, FLAG[name]) then names[#names + 1] = name end
  end
  local subtree = tree:add(f.flags, range)
  if #names > 0 then subtree:append_text(' (' .. table.concat(names, ', ') .. ')') end
  subtree:add(f.first, range)
  subtree:add(f.last, range)
  subtree:add(f.checked, range)
  subtree:add(f.fin, range)
  local resent = subtree:add(f.resent, range)
  if has(flags, FLAG.RESENT) then resent:add_proto_expert_info(e.resent) end
  if has(flags, UNKNOWN_FLAGS) then subtree:add_proto_expert_info(e.flags) end
  return flags, table.concat(names, ' ')
end

function emp.dissector(buffer, pinfo, root)
  pinfo.cols.protocol = 'EMP'
  local available = buffer:len()
  local tree = root:add(emp, buffer())
  if available < HEADER_BYTES then
    tree:add_proto_expert_info(e.short)
    pinfo.cols.info = 'too short'
    return available
  end

  local version = bits.rshift(buffer(0, 1):uint(), 4)
  local type = bits.band(buffer(0, 1):uint(), 0x0f)
  local name = types[type] or ('type ' .. type)
  local version_item = tree:add(f.version, buffer(0, 1))
  if version ~= VERSION then version_item:add_proto_expert_info(e.version) end
  local type_item = tree:add(f.type, buffer(0, 1))
  if types[type] == nil then type_item:add_proto_expert_info(e.type) end
  local flags, flag_names = add_flags(tree, buffer(1, 1))
  local length = buffer(2, 2):le_uint()
  local length_item = tree:add_le(f.length, buffer(2, 2))
  local words = buffer(4, 1):uint()
  local words_item = tree:add(f.header_length, buffer(4, 1))
  tree:add(f.path, buffer(5, 1))
  tree:add_le(f.message_type, buffer(6, 2))
  tree:add_le(f.destination, buffer(8, 4))
  tree:add_le(f.source, buffer(12, 4))
  tree:add_le(f.sequence, buffer(16, 4))
  tree:add_le(f.acknowledgement, buffer(20, 4))
  tree:add_le(f.credit, buffer(24, 2))
  local reserved = tree:add_le(f.reserved, buffer(26, 2))
  if buffer(26, 2):uint() ~= 0 then reserved:add_proto_expert_info(e.reserved) end

  local sequence = buffer(16, 4):le_uint()
  local acknowledgement = buffer(20, 4):le_uint()
  tree:append_text(string.format(', %s, %d bytes', name, length))
  pinfo.cols.info = string.format('%s seq %d ack %d len %d', name, sequence, acknowledgement, length)
  if flag_names ~= '' then pinfo.cols.info:append(' [' .. flag_names .. ']') end

  local checked = has(flags, FLAG.PAYLOAD_CHECK)
  local header = words * 4
  if header < (checked and CHECKED_HEADER_BYTES or HEADER_BYTES) or header > available then
    tree:add_le(f.header_check, buffer(28, 4))
    words_item:add_proto_expert_info(e.header_length)
    return available
  end
  local sound = add_check(
    tree, f.header_check, f.header_check_status, buffer(28, 4), header_check(buffer, header), e.header_check)
  if not sound then pinfo.cols.info:append(' [bad header check]') end

  local fits = header + length <= available
  if not fits then length_item:add_proto_expert_info(e.length) end
  local extensions = HEADER_BYTES
  if checked then
    extensions = CHECKED_HEADER_BYTES
    local range = buffer(32, 4)
    if fits and emp.prefs.payload then
      local expected = payload_check(buffer, header, length)
      if not add_check(tree, f.payload_check, f.payload_check_status, range, expected, e.payload_check) then
        pinfo.cols.info:append(' [bad payload check]')
      end
    else
      tree:add_le(f.payload_check, range)
    end
  end
  if header > extensions then tree:add(f.extensions, buffer(extensions, header - extensions)) end

  local payload = math.min(length, available - header)
  if payload > 0 then
    -- What a frame of another version carries is not for us to name.
    if version == VERSION then
      pinfo.cols.info:append(add_payload(tree, buffer(header, payload), type, flags, acknowledgement))
    else
      tree:add(f.payload, buffer(header, payload))
    end
  end
  local padding = available - header - payload
  if padding > 0 then tree:add(f.padding, buffer(header + payload, padding)) end
  return available
end

DissectorTable.get('ethertype'):add(0x88b5, emp)
DissectorTable.get('udp.port'):add(34997, emp)
