; The user's PATH. It may be longer than a string of NSIS's, which would be cut
; and written back cut, so it is worked on in memory of its own.

!define PATH_ROOM 65536 ; bytes, more than Windows allows

; PathOpen reads PATH into memory, as ";A;B;": $R1 is that memory, $R2 its type
; in the registry. $R3 is where in it ";$INSTDIR;" begins, 0 if nowhere.
!macro PathFunctions un
Function ${un}PathOpen
  System::Call '*(&i${PATH_ROOM})p.R1'
  StrCpy $R2 2 ; REG_EXPAND_SZ
  IntPtrOp $R4 $R1 + 2
  System::Call 'advapi32::RegOpenKeyExW(p 0x80000001, w "Environment", i 0, i 1, *p.R5)i.R6'
  System::Call 'kernel32::lstrcpyW(p R1, w ";")'
  ${If} $R6 = 0
    IntOp $R7 ${PATH_ROOM} - 4096
    System::Call 'advapi32::RegQueryValueExW(p R5, w "Path", p 0, *i R2 R2, p R4, *i R7)i.R6'
    System::Call 'advapi32::RegCloseKey(p R5)'
  ${EndIf}
  System::Call 'kernel32::lstrcatW(p R1, w ";")'
  System::Call 'shlwapi::StrStrIW(p R1, w ";$INSTDIR;")p.R3'
FunctionEnd

; PathClose writes what is in memory, without the outer semicolons, and tells
; the programs that run.
Function ${un}PathClose
  System::Call 'shlwapi::StrTrimW(p R1, w ";")'
  System::Call 'kernel32::lstrlenW(p R1)i.R4'
  IntOp $R4 $R4 * 2
  IntOp $R4 $R4 + 2
  System::Call 'advapi32::RegCreateKeyExW(p 0x80000001, w "Environment", i 0, p 0, i 0, i 2, p 0, *p.R5, p 0)i.R6'
  ${If} $R6 = 0
  ${AndIf} $R4 = 2 ; nothing but its end
    System::Call 'advapi32::RegDeleteValueW(p R5, w "Path")'
    System::Call 'advapi32::RegCloseKey(p R5)'
  ${ElseIf} $R6 = 0
    System::Call 'advapi32::RegSetValueExW(p R5, w "Path", i 0, i R2, p R1, i R4)'
    System::Call 'advapi32::RegCloseKey(p R5)'
  ${EndIf}
  ; WM_SETTINGCHANGE to all windows but those that hang (SMTO_ABORTIFHUNG)
  System::Call 'user32::SendMessageTimeoutW(p 0xffff, i 0x1a, p 0, w "Environment", i 2, i 500, *p)'
FunctionEnd

Function ${un}PathRemove
  Call ${un}PathOpen
  ${If} $R3 P<> 0
    StrLen $R4 ";$INSTDIR"
    IntOp $R4 $R4 * 2
    IntPtrOp $R4 $R3 + $R4
    System::Call 'kernel32::lstrlenW(p R4)i.R5'
    IntOp $R5 $R5 * 2
    IntOp $R5 $R5 + 2
    System::Call 'kernel32::RtlMoveMemory(p R3, p R4, p R5)'
    Call ${un}PathClose
  ${EndIf}
  System::Free $R1
FunctionEnd
!macroend
!insertmacro PathFunctions ""
!insertmacro PathFunctions "un."

; PathHas sets $0 to 1 if PATH has the folder, otherwise to 0.
Function PathHas
  Call PathOpen
  StrCpy $0 0
  ${If} $R3 P<> 0
    StrCpy $0 1
  ${EndIf}
  System::Free $R1
FunctionEnd

Function PathAdd
  Call PathOpen
  ${If} $R3 P= 0
    System::Call 'kernel32::lstrcatW(p R1, w "$INSTDIR;")'
    Call PathClose
  ${EndIf}
  System::Free $R1
FunctionEnd
