-- Wireshark dissector for Ethernet Message Passing, version 1, as docs/wire.md describes it byte by byte.
--
--   wireshark -X lua_script:emp.lua          or put this file and emp_checks.lua into the folder "Personal Lua Plugins"
--
-- EtherType 0x88B5 and UDP port 34997; for other numbers use "Decode As".

local VERSION = 1
local HEADER_BYTES, CHECKED_HEADER_BYTES, ENTRY_BYTES = 32, 36, 4

local TYPE = { CONNECT = 1, ACCEPT = 2, REFUSE = 3, DATA = 4, ACK = 5, RESET = 6, PROBE = 7, PATH = 8 }
local types = {}
for name, number in pairs(TYPE) do types[number] = name end

local refusals = {
  [1] = 'no listener', [2] = 'refused by the application', [3] = 'version', [4] = 'backlog full', [5] = 'parameters',
}
local resets = {
  [1] = 'unknown channel', [2] = 'aborted', [3] = 'protocol violated', [4] = 'message too long',
  [5] = 'the handler threw', [6] = 'host closed', [7] = 'gave up', [8] = 'ended in peace',
}

local PATH_BYTES, MOST_ADDRESSES, LONGEST_ADDRESS, DOWN, GONE = 4, 8, 63, 1, 2
local path_kinds = { [1] = 'probe', [2] = 'echo' }

local FLAG = { FIRST = 0x01, LAST = 0x02, PAYLOAD_CHECK = 0x04, FIN = 0x08, RESENT = 0x10, SHARED = 0x20, MORE = 0x40 }
local flag_order = { 'FIRST', 'LAST', 'PAYLOAD_CHECK', 'FIN', 'RESENT', 'SHARED', 'MORE' }
local UNKNOWN_FLAGS = 0x80

local bits, TWO_32 = bit32 or bit, 4294967296

local function has(value, flag) return bits.band(value, flag) ~= 0 end

local folder = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or ''
local checks = dofile(folder .. 'emp_checks.lua')

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
f.shared = ProtoField.bool('emp.flags.shared', 'SHARED: several messages', 8, nil, FLAG.SHARED)
f.more = ProtoField.bool('emp.flags.more', 'MORE: the acknowledgement can wait', 8, nil, FLAG.MORE)
f.length = ProtoField.uint16('emp.length', 'Payload length')
f.header_length = ProtoField.uint8('emp.header_length', 'Header length', base.UNIT_STRING, { ' words' })
f.path = ProtoField.uint8('emp.path', 'Path')
f.message_type = ProtoField.uint16('emp.message_type', 'Message type')
f.destination = ProtoField.uint32('emp.destination', 'Destination channel', base.HEX)
f.source = ProtoField.uint32('emp.source', 'Source channel', base.HEX)
f.sequence = ProtoField.uint32('emp.sequence', 'Sequence number')
f.acknowledgement = ProtoField.uint32('emp.acknowledgement', 'Acknowledgement')
f.credit = ProtoField.uint16('emp.credit', 'Credit', base.UNIT_STRING, { ' frames' })
f.first_length = ProtoField.uint16('emp.first_length', 'Length of the first message')
f.reserved = ProtoField.uint16('emp.reserved', 'Reserved', base.HEX)
f.header_check = ProtoField.uint32('emp.header_check', 'Header check', base.HEX)
f.header_check_status = ProtoField.string('emp.header_check.status', 'Header check status')
f.payload_check = ProtoField.uint32('emp.payload_check', 'Payload check', base.HEX)
f.payload_check_status = ProtoField.string('emp.payload_check.status', 'Payload check status')
f.extensions = ProtoField.bytes('emp.extensions', 'Extensions')
f.payload = ProtoField.bytes('emp.payload', 'Payload')
f.padding = ProtoField.bytes('emp.padding', 'Padding')

f.shared_message = ProtoField.bytes('emp.shared.payload', 'Payload')
f.shared_length = ProtoField.uint16('emp.shared.length', 'Length')
f.shared_type = ProtoField.uint16('emp.shared.type', 'Type')

f.message_length = ProtoField.uint32('emp.message_length', 'Length of the whole message')

f.port = ProtoField.uint32('emp.handshake.port', 'Port')
f.max_message = ProtoField.uint32('emp.handshake.max_message', 'Longest message taken')
f.mtu = ProtoField.uint32('emp.handshake.mtu', 'Largest frame taken')
f.window = ProtoField.uint16('emp.handshake.window', 'Window', base.UNIT_STRING, { ' frames' })
f.handshake_version = ProtoField.uint8('emp.handshake.version', 'Highest version spoken')
f.options = ProtoField.uint8('emp.handshake.options', 'Options', base.HEX)
f.option_check = ProtoField.bool('emp.handshake.options.payload_check', 'Payload checks both ways', 8, nil, 0x01)
f.option_coalesces = ProtoField.bool('emp.handshake.options.coalesces', 'Takes several frames in one', 8, nil, 0x02)
f.handshake_reserved = ProtoField.uint32('emp.handshake.reserved', 'Reserved', base.HEX)

f.refusal = ProtoField.uint16('emp.refuse.reason', 'Reason', base.DEC, refusals)
f.reset = ProtoField.uint16('emp.reset.reason', 'Reason', base.DEC, resets)
f.reason_version = ProtoField.uint8('emp.reason.version', 'Highest version spoken')
f.reason_reserved = ProtoField.uint8('emp.reason.reserved', 'Reserved', base.HEX)

f.sack = ProtoField.bytes('emp.sack', 'Selective acknowledgements')
f.sack_frame = ProtoField.uint32('emp.sack.frame', 'Has arrived')

f.path_nonce = ProtoField.uint64('emp.path.nonce', 'Nonce', base.HEX)
f.path_machine = ProtoField.uint64('emp.path.machine', 'Machine', base.HEX)
f.path_known = ProtoField.uint16('emp.path.known', "Version of the receiver's list that the sender has")
f.path_kind = ProtoField.uint8('emp.path.kind', 'Kind', base.DEC, path_kinds)
f.path_count = ProtoField.uint8('emp.path.count', 'Addresses told')
f.path_version = ProtoField.uint16('emp.path.version', "Version of the sender's list")
f.path_address = ProtoField.string('emp.path.address', 'Address')
f.path_down = ProtoField.bool('emp.path.address.down', 'Its NIC has no link', 8, nil, DOWN)
f.path_gone = ProtoField.bool('emp.path.address.gone', 'No longer the sender\'s', 8, nil, GONE)

emp.fields = f

local function problem(name, text, group, severity)
  return ProtoExpert.new('emp.' .. name, text, expert.group[group], expert.severity[severity or 'ERROR'])
end

local e = {
  short = problem('short', 'Shorter than its header', 'MALFORMED'),
  header_length = problem('header_length.bad', 'Bad header length', 'MALFORMED'),
  header_check = problem('header_check.bad', 'Bad header check', 'CHECKSUM'),
  version = problem('version.bad', 'Unknown version', 'PROTOCOL'),
  type = problem('type.bad', 'Unknown type', 'PROTOCOL'),
  flags = problem('flags.bad', 'Unknown flags', 'PROTOCOL'),
  length = problem('length.bad', 'The payload reaches beyond the frame', 'MALFORMED'),
  shared = problem('shared.bad', 'A message reaches beyond the payload', 'MALFORMED'),
  path = problem('path.bad', 'Makes no sense', 'MALFORMED'),
  payload_check = problem('payload_check.bad', 'Bad payload check', 'CHECKSUM'),
  resent = problem('resent', 'Sent again', 'SEQUENCE', 'NOTE'),
  refused = problem('refused', 'Refused', 'SEQUENCE', 'NOTE'),
  reset = problem('reset', 'Reset', 'SEQUENCE', 'WARN'),
  reserved = problem('reserved.nonzero', 'Reserved bits are set', 'PROTOCOL', 'NOTE'),
}
emp.experts = e

emp.prefs.payload = Pref.bool('Verify payload checks', true, 'Costs time with many long frames')

-- Payloads. Each takes the tree and the payload as a range, and may add to the info column.

local function add_handshake(tree, payload)
  if payload:len() < 20 then
    tree:add(f.payload, payload):add_proto_expert_info(e.short, 'Shorter than a handshake')
    return ''
  end
  for _, field in ipairs({ { f.port, 0, 4 }, { f.max_message, 4, 4 }, { f.mtu, 8, 4 }, { f.window, 12, 2 } }) do
    tree:add_le(field[1], payload(field[2], field[3]))
  end
  tree:add(f.handshake_version, payload(14, 1))
  local options = tree:add(f.options, payload(15, 1))
  options:add(f.option_check, payload(15, 1))
  options:add(f.option_coalesces, payload(15, 1))
  tree:add_le(f.handshake_reserved, payload(16, 4))
  return ' port ' .. payload(0, 4):le_uint()
end

local function add_reason(tree, payload, field, names, meaning)
  if payload:len() < 4 then
    tree:add(f.payload, payload):add_proto_expert_info(e.short, 'Shorter than a reason')
    return ''
  end
  local name = names[payload(0, 2):le_uint()] or 'unknown reason'
  tree:add_le(field, payload(0, 2)):add_proto_expert_info(meaning, name)
  tree:add(f.reason_version, payload(2, 1))
  tree:add(f.reason_reserved, payload(3, 1))
  return ': ' .. name
end

-- The messages of a shared frame: length and type of the first stand in the header, those of each other one in an entry before it, at a
-- multiple of 4.
local function add_shared(tree, payload, length_range, type_range)
  local start, count, available = 0, 0, payload:len()
  while start + length_range:le_uint() <= available do
    local length = length_range:le_uint()
    count = count + 1
    local item = tree:add(length_range, string.format('Message %d, %d bytes of type %d', count, length, type_range:le_uint()))
    item:add_le(f.shared_length, length_range)
    item:add_le(f.shared_type, type_range)
    if length > 0 then item:add(f.shared_message, payload(start, length)) end
    local finish = start + length
    if finish == available then return string.format(' of %d messages', count) end
    local entry = math.ceil(finish / 4) * 4
    if entry + ENTRY_BYTES > available then break end
    length_range = payload(entry, 2)
    type_range = payload(entry + 2, 2)
    start = entry + ENTRY_BYTES
  end
  tree:add_proto_expert_info(e.shared)
  return ' [bad shared frame]'
end

local function add_data(tree, payload, flags, first)
  if has(flags, FLAG.SHARED) then return add_shared(tree, payload, first.length, first.type) end
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

-- The addresses by which the sender is reached: what is wrong with them, if anything is.
local function add_addresses(tree, payload, count)
  local at, available = PATH_BYTES, payload:len()
  for _ = 1, count do
    if at + 2 > available then return 'The payload ends before its last address' end
    local flags, length = payload(at, 1), payload(at + 1, 1):uint()
    if flags:uint() > GONE then return 'Unknown flags of an address' end
    if length == 0 or length > LONGEST_ADDRESS then return 'Bad length of an address' end
    if at + 2 + length > available then return 'An address reaches beyond the payload' end
    local address = payload(at + 2, length)
    if address:raw():find('[^!-~]') then return 'An address is not printable ASCII' end
    local item = tree:add(f.path_address, address)
    item:add(f.path_down, flags)
    item:add(f.path_gone, flags)
    if flags:uint() == DOWN then item:append_text(' (down)') end
    if flags:uint() == GONE then item:append_text(' (gone)') end
    at = at + 2 + length
  end
  if at < available then return 'Bytes behind the last address' end
end

local function add_path(tree, payload)
  local function bad(text)
    tree:add_proto_expert_info(e.path, text)
    return ' [bad path frame]'
  end
  if payload == nil or payload:len() < PATH_BYTES then return bad('Shorter than a question') end
  local kind, count = payload(0, 1):uint(), payload(1, 1):uint()
  tree:add(f.path_kind, payload(0, 1))
  tree:add(f.path_count, payload(1, 1))
  tree:add_le(f.path_version, payload(2, 2))
  if path_kinds[kind] == nil then return bad('Unknown kind') end
  if count > MOST_ADDRESSES then return bad('Too many addresses') end
  local fault = add_addresses(tree, payload, count)
  if fault then return bad(fault) end
  local told = count == 1 and ', 1 address' or string.format(', %d addresses', count)
  return ' ' .. path_kinds[kind] .. (count == 0 and '' or told)
end

local function add_payload(tree, payload, type, flags, acknowledgement, first)
  if type == TYPE.CONNECT or type == TYPE.ACCEPT then return add_handshake(tree, payload) end
  if type == TYPE.REFUSE then return add_reason(tree, payload, f.refusal, refusals, e.refused) end
  if type == TYPE.RESET then return add_reason(tree, payload, f.reset, resets, e.reset) end
  if type == TYPE.DATA then return add_data(tree, payload, flags, first) end
  if type == TYPE.ACK then return add_sack(tree, payload, acknowledgement) end
  if type == TYPE.PATH then return add_path(tree, payload) end
  tree:add(f.payload, payload)
  return ''
end

-- Adds a check, and whether it is what it should be.
local function add_check(tree, field, status, range, expected, failure)
  local item = tree:add_le(field, range)
  local good = range:le_uint() == expected
  tree:add(status, range, good and 'good' or 'bad'):set_generated()
  item:append_text(good and ' (good)' or string.format(' (bad, should be 0x%08x)', expected))
  if not good then item:add_proto_expert_info(failure) end
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
  for _, field in ipairs({ f.first, f.last, f.checked, f.fin }) do subtree:add(field, range) end
  local resent = subtree:add(f.resent, range)
  if has(flags, FLAG.RESENT) then resent:add_proto_expert_info(e.resent) end
  subtree:add(f.shared, range)
  subtree:add(f.more, range)
  if has(flags, UNKNOWN_FLAGS) then subtree:add_proto_expert_info(e.flags) end
  return flags, table.concat(names, ' ')
end

-- What the words between message type and first length are. PATH is of no channel.
local channel_words = {
  { f.destination, 8, 4 }, { f.source, 12, 4 }, { f.sequence, 16, 4 }, { f.acknowledgement, 20, 4 }, { f.credit, 24, 2 },
}
local path_words = { { f.path_nonce, 8, 8 }, { f.path_machine, 16, 8 }, { f.path_known, 24, 2 } }

-- One frame, at the beginning of the buffer. Returns where the next one begins, or the end.
local function add_frame(buffer, pinfo, root, is_first)
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
  for _, field in ipairs(type == TYPE.PATH and path_words or channel_words) do
    tree:add_le(field[1], buffer(field[2], field[3]))
  end
  local first = { length = buffer(26, 2), type = buffer(6, 2) }
  if type == TYPE.DATA and has(flags, FLAG.SHARED) then
    tree:add_le(f.first_length, first.length)
  else
    local reserved = tree:add_le(f.reserved, first.length)
    if first.length:uint() ~= 0 then reserved:add_proto_expert_info(e.reserved) end
  end

  local sequence = buffer(16, 4):le_uint()
  local acknowledgement = buffer(20, 4):le_uint()
  tree:append_text(string.format(', %s, %d bytes', name, length))
  local summary = string.format('%s seq %d ack %d len %d', name, sequence, acknowledgement, length)
  if type == TYPE.PATH then summary, flag_names = name, '' end
  pinfo.cols.info:append((is_first and '' or ' | ') .. summary)
  if flag_names ~= '' then pinfo.cols.info:append(' [' .. flag_names .. ']') end

  local checked = has(flags, FLAG.PAYLOAD_CHECK)
  local header = words * 4
  if header < (checked and CHECKED_HEADER_BYTES or HEADER_BYTES) or header > available then
    tree:add_le(f.header_check, buffer(28, 4))
    words_item:add_proto_expert_info(e.header_length)
    return available
  end
  local sound = add_check(
    tree, f.header_check, f.header_check_status, buffer(28, 4), checks.header(buffer, header), e.header_check)
  if not sound then pinfo.cols.info:append(' [bad header check]') end

  local fits = header + length <= available
  if not fits then length_item:add_proto_expert_info(e.length) end
  local extensions = HEADER_BYTES
  if checked then
    extensions = CHECKED_HEADER_BYTES
    local range = buffer(32, 4)
    if fits and emp.prefs.payload then
      local expected = checks.payload(buffer, header, length)
      if not add_check(tree, f.payload_check, f.payload_check_status, range, expected, e.payload_check) then
        pinfo.cols.info:append(' [bad payload check]')
      end
    else
      tree:add_le(f.payload_check, range)
    end
  end
  if header > extensions then tree:add(f.extensions, buffer(extensions, header - extensions)) end

  local payload = math.min(length, available - header)
  if payload == 0 and type == TYPE.PATH and version == VERSION then
    pinfo.cols.info:append(add_path(tree))
  elseif payload > 0 then
    -- What a frame of another version carries is not for us to name.
    if version == VERSION then
      pinfo.cols.info:append(add_payload(tree, buffer(header, payload), type, flags, acknowledgement, first))
    else
      tree:add(f.payload, buffer(header, payload))
    end
  end
  local finish = header + payload
  local next = math.ceil(finish / 4) * 4
  -- Another frame, or what pads this one: that is shorter, or zeros.
  local follows = available - next >= HEADER_BYTES and buffer(next, 1):uint() ~= 0
  if sound and fits and version == VERSION and follows then
    tree:set_len(finish)
    return next
  end
  if available > finish then tree:add(f.padding, buffer(finish, available - finish)) end
  return available
end

-- Frames of several channels may share one frame of the link, each at a multiple of 4.
function emp.dissector(buffer, pinfo, root)
  pinfo.cols.protocol = 'EMP'
  pinfo.cols.info = ''
  local at = add_frame(buffer, pinfo, root, true)
  while at < buffer:len() do at = at + add_frame(buffer(at):tvb(), pinfo, root, false) end
  return buffer:len()
end

DissectorTable.get('ethertype'):add(0x88b5, emp)
DissectorTable.get('udp.port'):add(34997, emp)
