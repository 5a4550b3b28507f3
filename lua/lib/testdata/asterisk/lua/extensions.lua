-- A dialplan of the kind that comes with Asterisk.

GREETING = "tone1"
local attempts = 0

-- Tells the caller where he is.
function instructions(context, extension)
	app.background(GREETING)
	app.waitexten()
end

function congested()
	app.goto("default", "s", 1)
end

extensions = {
	["default"] = {
		include = { "demo" };

		["s"] = function(c, e)
			attempts = attempts + 1
			channel.CALLS = attempts
			app.verbose(1, "at " .. e .. " of " .. c, channel.CALLS:get())
			if channel["CALLERID(num)"]:get() == "666" then
				return -1
			end
			app.noop("still here", channel.UNSET:get())
		end;

		[600] = function()
			channel.CALLERID("name"):set("Echo")
			app.set("X=1")
			app.noop(channel.X:get(), channel.CALLERID("name"):get(), channel.EXTEN:get())
			app.gotoif("1?demo,700,1")
			app.noop("never")
		end;

		["_9XX"] = congested;
	};

	["demo"] = {
		["700"] = function()
			app.noop("arrived")
			app.hangup(17)
			app.noop("never")
		end;
	};
}

hints = { demo = { [1000] = "SIP/1000" } }
