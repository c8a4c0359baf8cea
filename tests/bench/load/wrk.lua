-- Sends the requests of a file, which a zero byte parts, in their order, over and over.
local requests = {}
local at = 0

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  for request in file:read('*a'):gmatch('[^%z]+') do
    requests[#requests + 1] = request
  end
  file:close()
end

function request()
  at = at % #requests + 1
  return requests[at]
end

-- Durations are in microseconds. Of the statuses wrk itself counts those from 400 on as errors.
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format(
    '\nresult {"requests":%d,"requestsPerSecond":%.1f,"p50Us":%d,"p99Us":%d,"p999Us":%d,"errors":%d}',
    summary.requests, summary.requests / summary.duration * 1e6,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), failed))
end
