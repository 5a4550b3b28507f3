-- cdr.conf, its back ends and cel.conf: records of calls.

local keys = require "config.keys"

local records = {}

local own = 'on("call.ended", function(record) … end) is given the record of each call'

records.cdr = keys.reader {
  reason = "records of calls are not in Asterisk's form",
  sections = {
    general = {
      plain = "unanswered congestion endbeforehexten initiatedseconds batch size time scheduleronly safeshutdown channeldefaultenabled ignorestatechanges ignoredialchanges",
      enable = { status = "approximate", off = true, suggestion = own },
    },
    csv = {
      plain = "usegmtime loguniqueid loguserfield accountlogs newcdrcolumns",
      otherwise = { reason = "Master.csv is not written", suggestion = own },
    },
    other = { otherwise = { reason = "records of calls are not written there", suggestion = own } },
  },
}

records.other = keys.reader {
  reason = "records of calls are not written there",
  sections = { general = { enabled = { off = true, suggestion = own }, enable = { off = true, suggestion = own } }, other = { otherwise = { suggestion = own } } },
}

return records
