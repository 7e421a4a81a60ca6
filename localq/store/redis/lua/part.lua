-- What follows reads a part of jobs as if they were its arguments: token, number of the part, number of all.
local key_of_parts, number_of_part, last_part = P .. 'big:' .. ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local token_of_parts = ARGV[2]
local part = call('LINDEX', key_of_parts, number_of_part)
if not part or part == '' then return {} end
local ARGV = cmsgpack.unpack(part)
