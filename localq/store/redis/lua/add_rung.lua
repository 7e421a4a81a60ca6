if alone then
  wake({[ARGV[6]] = 1})
  return {1}
end
