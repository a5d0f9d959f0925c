-- A script of DaVinci Resolve's menus for a Resolve that lists no Python. Written by `answerprint resolve install`.
-- Where it may, it starts Answerprint, which attaches to Resolve from outside; where it may not, it says what to do.

local PROGRAM = {}
local HOME = ""

local LISTS = "Instead: export the timeline (File > Export > Timeline: OTIO or EDL), then in a terminal run\n"
  .. "  answerprint resolve queue --from FILE\nand import the list that it names."
-- What Resolve sets for its own libraries breaks another program.
local POISON = { "PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH" }

local windows = package ~= nil and package.config:sub(1, 1) == "\\"

local function quoted(word)
  if windows then
    return '"' .. word .. '"'
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function command_line()
  local words = {}
  for _, word in ipairs(PROGRAM) do
    words[#words + 1] = quoted(word)
  end
  words[#words + 1] = "resolve restore --selected 2>&1"
  local before = {}
  for _, name in ipairs(POISON) do
    before[#before + 1] = windows and ('set "' .. name .. '=" & ') or ("-u " .. name .. " ")
  end
  if HOME ~= "" then
    before[#before + 1] = windows and ('set "ANSWERPRINT_HOME=' .. HOME .. '" & ')
      or (quoted("ANSWERPRINT_HOME=" .. HOME) .. " ")
  end
  local line = table.concat(before) .. table.concat(words, " ")
  return windows and line or "env " .. line
end

local function product()
  local called, name = pcall(function()
    return resolve:GetProductName()
  end)
  return called and type(name) == "string" and name or ""
end

local function main()
  if type(resolve) == "nil" then
    return "Answerprint: This is a script for DaVinci Resolve.\n  Run it from Resolve's menu Workspace > Scripts."
  end
  local popen = type(io) == "table" and io.popen or nil
  if not product():find("Studio") then
    if not popen then
      return "Answerprint: From version 21.1 on, the free edition of Resolve runs no Python scripts,\n"
        .. "  lets no other program in, and lets Lua scripts start none.\n" .. LISTS
    end
    return "Answerprint: The free edition of Resolve lets no other program in.\n"
      .. "  Up to version 21.0 the Python scripts in this menu work: install Python 3 from python.org for all users,\n"
      .. "  and start Resolve again.\n" .. LISTS
  end
  if not popen then
    return "Answerprint: This Resolve lets Lua scripts start no program.\n"
      .. "  In a terminal run: answerprint resolve restore --selected"
  end
  if #PROGRAM == 0 then
    return "Answerprint: Where it is was not filled in.\n  Run: answerprint resolve install"
  end
  local output, problem = popen(command_line(), "r")
  if not output then
    return "Answerprint: It cannot be started (" .. tostring(problem) .. ").\n  Run: answerprint resolve install"
  end
  local spoken = false
  for line in output:lines() do
    spoken = true
    print(line)
  end
  output:close()
  if not spoken then
    return "Answerprint: It said nothing.\n  Run: answerprint resolve status"
  end
end

local called, words = pcall(main)
if not called then
  words = "Answerprint: It cannot be started (" .. tostring(words) .. ").\n  Run: answerprint resolve install"
end
if words then
  print(words)
end
if words and type(io) ~= "table" then
  error(words, 0) -- where print is mute, too, an error may still be shown
end
