-- A small firm, for the tests of the flows of voicemail.

for _, name in ipairs { "1101", "1102", "1103", "1104" } do
  sip.phone(name) { password = "x", context = "finance", caller_id = '"Phone ' .. name .. '" <' .. name .. ">" }
end

mailbox "1101@finance" { pin = "1234", name = "Front desk", zone = "Europe/Paris" }
mailbox "1102@finance" { name = "Accounts", minsecs = 2, maxsecs = 20, maxsilence = 3, maxmsg = 3 }
mailbox "1103@finance" { name = "Boss", pin = "5555", review = true, operator = true, saycid = true, nextaftercmd = true, callback = true }
mailbox "1104" { pin = "9876" }
