-- For wrk: plays the requests of a file, one after the other and again from the start, on every connection.
--   wrk ... -s requests.lua https://ADDRESS:PORT -- FILE
-- Lines of FILE, fields parted by tabs:
--   header  NAME  VALUE       of all requests that follow; an empty VALUE takes it away
--   METHOD  HOST  TARGET [BODY]
-- The last line that it prints is JSON: requests, microseconds, and what was no 2xx answer.

local requests = {}
local turn = 0

local function fields_of(line)
  local fields = {}
  for field in (line .. "\t"):gmatch("([^\t]*)\t") do fields[#fields + 1] = field end
  return fields
end

local function copy(headers)
  local copied = {}
  for name, value in pairs(headers) do copied[name] = value end
  return copied
end

function init(arguments)
  local headers = {}
  for line in io.lines(arguments[1]) do
    local fields = fields_of(line)
    if fields[1] == "header" then
      headers[fields[2]] = fields[3] ~= "" and fields[3] or nil
    else
      local own = copy(headers)
      own["Host"] = fields[2]
      requests[#requests + 1] = wrk.format(fields[1], fields[3], own, fields[4])
    end
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary)
  local errors = summary.errors
  io.write(string.format('{"requests": %d, "microseconds": %d, "refused": %d, "broken": %d}\n', summary.requests,
    summary.duration, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
