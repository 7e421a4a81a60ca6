if added then
  wake(woken_now)
  return added
end
