-- confbridge.conf and meetme.conf: rooms where many talk.

local keys = require "config.keys"

local conferences = {}

local reason = "this version of moonwire has no conferences"

conferences.confbridge = keys.reader {
  reason = reason,
  sections = {
    general = {},
    other = { head = {}, plain = "type", pin = { suggestion = 'call:read { prompt = "conf-getpin" } before the room' } },
  },
}

conferences.meetme = keys.reader {
  reason = reason,
  sections = {
    general = { plain = "audiobuffers logmembercount schedule fuzzystart earlyalert endalert rtcachefriends" },
    rooms = { conf = { suggestion = "its number and its PIN can be asked for with call:read" } },
    other = { head = {} },
  },
}

return conferences
