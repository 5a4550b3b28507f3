-- What the calls of phones and trunks begin with, by their name. A site brings a
-- scripts/asterisk/peers.lua like this one; the translator writes it from setvar
-- and accountcode of sip.conf and their kin:
--
--   return {
--     ["1101"] = {
--       accountcode = "sales",
--       amaflags = "billing",
--       variables = { { "__DEPARTMENT", "sales" } },
--     },
--   }

return {}
