-- LOCK, TRYLOCK and UNLOCK: names that one call at a time holds. A call that
-- ends lets go of all of its own.

local registry = require "asterisk.registry"

local longest = 3 -- seconds that LOCK waits

local function name(text) return "asterisk " .. text end

local function said(done) return done and "1" or "0" end

registry.func("LOCK", { read = function(_, text) return said(lock.take(name(text), { timeout = longest })) end })
registry.func("TRYLOCK", { read = function(_, text) return said(lock.take(name(text), { timeout = 0 })) end })
registry.func("UNLOCK", { read = function(_, text) return said(lock.release(name(text))) end })
