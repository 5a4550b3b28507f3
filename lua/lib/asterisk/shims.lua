-- Applications and functions that are a site's own. A site brings a
-- scripts/asterisk/shims.lua like this one; the translator writes it with what it
-- did not know, for its owner to fill in:
--
--   return {
--     applications = {
--       DongleSendSMS = function(ch, arguments) … end, -- results: see flow.lua
--     },
--     functions = {
--       ODBC_SQL = function(ch, arguments) return "" end,
--       -- or { read = function(ch, arguments) … end, write = function(ch, arguments, value) … end }
--     },
--   }

return { applications = {}, functions = {} }
