-- Counts the answers by status, since a page of errors is fast: wrk -s statuses.lua URL -- 200
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  wanted, right, wrong = tonumber(args[1]), 0, 0
end

function response(status)
  if status == wanted then right = right + 1 else wrong = wrong + 1 end
end

function done(summary)
  local all_right, all_wrong = 0, summary.errors.connect + summary.errors.read + summary.errors.timeout
  for _, thread in ipairs(threads) do
    all_right = all_right + thread:get("right")
    all_wrong = all_wrong + thread:get("wrong")
  end
  print(string.format("counted %d %d %f", all_right, all_wrong, summary.duration / 1e6))
end
