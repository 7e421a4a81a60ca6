-- An id; returns its attempts that are kept, first to last.
return attempts_of(as_table(call('HGETALL', P .. 'j:' .. ARGV[2])), ARGV[2])
