-- A menu script for a DaVinci Resolve that lists no Python scripts. Written by `answerprint resolve install`.
-- If Lua may start programs, it starts Answerprint, which attaches to Resolve from outside. If not, it says what to do.

local PROGRAM = {}
local HOME = ""

local LISTS = "  Export the timeline (File > Export > Timeline: OTIO or EDL), then run in a terminal:\n"
  .. "  answerprint resolve queue --from FILE --wait\n  and import the list that it writes."
-- Variables that Resolve sets for its own libraries; they break other programs.
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
    return "Answerprint: The script was not run by Resolve.\n  Run it from Resolve's menu Workspace > Scripts."
  end
  local popen = type(io) == "table" and io.popen or nil
  if not product():find("Studio") then
    if not popen then
      return "Answerprint: From version 21.1 on, the free edition of Resolve does not support Python scripts,\n"
        .. "  external scripting, or Lua scripts that start programs.\n" .. LISTS
    end
    return "Answerprint: The free edition of Resolve does not support external scripting.\n"
      .. "  Up to version 21.0, use the Python scripts in this menu: install Python 3 from python.org for all users,\n"
      .. "  then restart Resolve. Otherwise:\n" .. LISTS
  end
  if not popen then
    return "Answerprint: In this Resolve, Lua scripts cannot start programs.\n"
      .. "  Run in a terminal: answerprint resolve restore --selected"
  end
  if #PROGRAM == 0 then
    return "Answerprint: The script does not know where the program is.\n  Run: answerprint resolve install"
  end
  local output, problem = popen(command_line(), "r")
  if not output then
    return "Answerprint: The program could not be started (" .. tostring(problem) .. ").\n"
      .. "  Run: answerprint resolve install"
  end
  local printed = false
  for line in output:lines() do
    printed = true
    print(line)
  end
  output:close()
  if not printed then
    return "Answerprint: The program printed nothing.\n  Run: answerprint resolve status"
  end
end

local called, message = pcall(main)
if not called then
  message = "Answerprint: The program could not be started (" .. tostring(message) .. ").\n"
    .. "  Run: answerprint resolve install"
end
if message then
  print(message)
end
if message and type(io) ~= "table" then
  error(message, 0) -- if print shows nothing, an error may still be shown
end
