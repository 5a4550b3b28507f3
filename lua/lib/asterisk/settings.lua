-- Settings of a dialplan that came from Asterisk. These are Asterisk's own; a
-- site that needs others brings a scripts/asterisk/settings.lua, which the
-- translator writes. Its fields, all of which may be left out:
--
--   era              the version of Asterisk whose dialplan it is: 1.2, 1.4, 1.8,
--                    13, 20 … (20); 1.6 stands for the newest too. Old ones have
--                    the variables and the applications of their time
--   autofallthrough  whether a call ends where an extension ends (true)
--   priorityjumping  whether applications jump to n+101 (false)
--   clearglobalvars  whether a new version forgets what SetGlobalVar and
--                    GLOBAL() have set (false)
--   globals          list of { name, value }; a value may be a function of ch
--   switches         by context: list of { "Loopback", "9${EXTEN}@other" }
--   hints            by context and extension: "SIP/100"
--   country          whose tones are played ("us")
--   system           value of SYSTEMNAME ("")

return { era = 20, autofallthrough = true }
