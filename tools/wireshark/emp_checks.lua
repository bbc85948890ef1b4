-- The two checks of a frame, for emp.lua, which takes this file from its own folder.

local HEADER_SEED, PAYLOAD_SEED = 0x31504D45, 0x70504D45

-- 32-bit arithmetic. Numbers are kept in 0 .. 2^32 - 1, which both a double (Lua 5.2) and an integer (5.3 and later) hold;
-- the libraries may give negative ones, hence the remainders.

local bits, TWO_32 = bit32 or bit, 4294967296

local function xor_shift(x, n) return bits.bxor(x, bits.rshift(x, n)) % TWO_32 end
local function rotate_left(x, n) return bits.bor(bits.lshift(x, n) % TWO_32, bits.rshift(x, 32 - n) % TWO_32) % TWO_32 end

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
      v1, v2 = round(v1, word(at)), round(v2, word(at + 4))
      v3, v4 = round(v3, word(at + 8)), round(v4, word(at + 12))
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

local checks = {}

-- The header is at the beginning of the buffer.
function checks.header(buffer, length)
  return xxh32(length, HEADER_SEED, function(at)
    if at == HEADER_CHECK_AT then return 0 end -- the check itself counts as zero
    return buffer(at, 4):le_uint()
  end)
end

function checks.payload(buffer, start, length)
  return xxh32(
    length, PAYLOAD_SEED,
    function(at) return buffer(start + at, 4):le_uint() end,
    function(at) return buffer(start + at, 1):uint() end
  )
end

return checks
