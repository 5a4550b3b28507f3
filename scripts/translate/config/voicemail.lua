-- voicemail.conf: mailboxes, by context.

local text = require "text"

local voicemail = {}

function voicemail.read(site, list, report, _, job)
  local has = job.has "mailbox"
  for _, section in ipairs(list) do
    local name = section.name:lower()
    if section.template then -- only there to be built upon
    elseif name == "general" or name == "zonemessages" then
      for _, entry in ipairs(section.entries) do
        report:approximate(entry, ("%s=%s of voicemail has no counterpart"):format(entry.name, entry.value),
          "mailboxes work in moonwire's own way")
      end
    else
      for _, entry in ipairs(section.entries) do
        local parts = text.split(entry.value, ",")
        for i, part in ipairs(parts) do parts[i] = text.trim(part) end
        local box = {
          name = entry.name .. "@" .. section.name, file = entry.file, line = entry.line, above = entry.above,
          fields = { pin = parts[1] ~= "" and parts[1] or nil, name = parts[2] ~= "" and parts[2] or nil, email = parts[3] ~= "" and parts[3] or nil },
        }
        site.mailboxes[#site.mailboxes + 1] = box
        if not has then
          report:unknown(entry, ("mailbox %s: this version of moonwire has no mailboxes"):format(box.name),
            "it stands in config.lua as a comment")
        elseif parts[4] and parts[4] ~= "" or parts[5] and parts[5] ~= "" then
          report:approximate(entry, "the pager and the options of a mailbox have no counterpart")
        end
      end
    end
  end
end

return voicemail
