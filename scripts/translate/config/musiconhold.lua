-- musiconhold.conf: classes of music.

local keys = require "config.keys"

local convert = "convert its files to sounds/, and name one in the dialplan: MusicOnHold and call:play take sounds"

return keys.reader {
  reason = "classes of music are not there; who waits hears a sound of the site, or what the phone plays",
  sections = {
    general = { plain = "cachertclasses preferchannelclass" },
    other = {
      head = { status = "approximate", reason = "classes of music are not there; who waits hears a sound of the site, or what the phone plays", suggestion = convert },
      plain = "mode format kill_escalation_delay kill_method answeredonly loop_last",
      directory = { status = "approximate", reason = "the folder is not read", suggestion = convert },
      application = { reason = "music does not come from programs", suggestion = "record what it plays to a file of sounds/" },
      entry = { status = "approximate", reason = "lists of sounds are not read", suggestion = convert },
      announcement = { reason = "nothing is said between pieces of music" },
      sort = { status = "approximate", unless = "alpha", reason = "there is one sound, and so no order" },
      random = { status = "approximate", off = true, reason = "there is one sound, and so no order" },
      digit = { reason = "keys do not change the music" },
    },
    -- Up to 1.0 classes were lines of [classes]: default => quietmp3:/path.
    classes = { otherwise = { status = "approximate", suggestion = convert } },
    moh_files = { otherwise = { status = "approximate", suggestion = convert } },
  },
}
