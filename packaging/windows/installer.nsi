; The Windows installer, for one user and without administrator rights.
; scripts/release calls makensis with these defined:
;   VERSION, NUMBERS (four of them), SOURCE (the folder of the release), OUT, CPU,
;   SIZE (of SOURCE, in KiB), COMPRESSOR, and HOMEPAGE where there is one
;
; Silent:  setup.exe /S [/LOGIN=1|0] [/PATH=1|0] [/D=C:\folder]   (/D last, without quotes)
;          uninstall.exe /S [/DATA=1]
; What is not said stays as it is; at first, no start at login, and the command in PATH.

Unicode true
Target ${CPU}-unicode
SetCompressor ${COMPRESSOR}
!if "${COMPRESSOR}" == "/SOLID lzma"
  SetCompressorDictSize 64 ; the two programs are almost the same: the second takes no room
!endif
SetDateSave off
ManifestDPIAware true
ManifestSupportedOS Win10
RequestExecutionLevel user
Name bilipaste
OutFile "${OUT}"
BrandingText " "
InstallDir "$LOCALAPPDATA\Programs\bilipaste"
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\bilipaste"
!define RUN "Software\Microsoft\Windows\CurrentVersion\Run"
!define APPROVED "Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
!define APPID bilipaste ; as tray/taskbar_windows.go has it: whose toasts they are
!define TRAY "$INSTDIR\bilipastew.exe"
InstallDirRegKey HKCU "${UNINSTALL}" InstallLocation
Var ran ; 1 if the program ran before the installation

VIProductVersion ${NUMBERS}
VIAddVersionKey ProductName bilipaste
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileDescription "bilipaste"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey LegalCopyright "MIT licence"

!include LogicLib.nsh
!include MUI2.nsh
!include FileFunc.nsh
!include Win\COM.nsh
!include Win\Propkey.nsh
!include path.nsh

!define MUI_ICON "..\..\assets\icons\writing.ico"
!define MUI_UNICON "..\..\assets\icons\writing.ico"
!define MUI_WELCOMEFINISHPAGE_BITMAP "${NSISDIR}\Contrib\Graphics\Wizard\nsis3-grey.bmp"
!define MUI_COMPONENTSPAGE_SMALLDESC
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!define MUI_FINISHPAGE_RUN "${TRAY}"
!define MUI_FINISHPAGE_RUN_TEXT "$(Start)"
!define MUI_FINISHPAGE_TEXT "$(Where)"
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_COMPONENTS
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE English
!insertmacro MUI_LANGUAGE SimpChinese

LangString Program ${LANG_ENGLISH} "bilipaste"
LangString Program ${LANG_SIMPCHINESE} "bilipaste"
LangString ProgramSays ${LANG_ENGLISH} "The tray program and the command, with an entry in the Start menu."
LangString ProgramSays ${LANG_SIMPCHINESE} "托盘程序和命令行程序，以及“开始”菜单中的快捷方式。"
LangString Login ${LANG_ENGLISH} "Start at login"
LangString Login ${LANG_SIMPCHINESE} "开机自动启动"
LangString LoginSays ${LANG_ENGLISH} "The tray program starts when you log in. Its menu can change this later."
LangString LoginSays ${LANG_SIMPCHINESE} "登录 Windows 时启动托盘程序。以后可在托盘菜单中更改。"
LangString Path ${LANG_ENGLISH} "Command for terminals (PATH)"
LangString Path ${LANG_SIMPCHINESE} "在终端中使用命令（PATH）"
LangString PathSays ${LANG_ENGLISH} "New terminals, editors and blog tools find the command bilipaste."
LangString PathSays ${LANG_SIMPCHINESE} "新打开的终端、编辑器和博客工具都能找到 bilipaste 命令。"
LangString Start ${LANG_ENGLISH} "Start bilipaste now"
LangString Start ${LANG_SIMPCHINESE} "立即启动 bilipaste"
LangString Where ${LANG_ENGLISH} "bilipaste lives in the corner of the taskbar, perhaps behind the arrow. Sign in from its menu, click the icon to turn writing mode on, and copy a picture."
LangString Where ${LANG_SIMPCHINESE} "bilipaste 在任务栏右下角，可能收在箭头（^）里。先在菜单中登录，再点击图标打开写作模式，然后复制一张图片试试。"
LangString Ending ${LANG_ENGLISH} "Asking the running bilipaste to end"
LangString Ending ${LANG_SIMPCHINESE} "正在请求运行中的 bilipaste 退出"
LangString Data ${LANG_ENGLISH} "My pictures, links, settings and login"
LangString Data ${LANG_SIMPCHINESE} "我的图片、链接、设置和登录信息"
LangString DataSays ${LANG_ENGLISH} "Also removes the album with the originals of all pictures. This cannot be undone."
LangString DataSays ${LANG_SIMPCHINESE} "同时删除相册和所有原图。此操作无法撤销。"

; EndProgram asks the running program to end, and waits for it; $1 is 1 if it ran.
; A file of a running program cannot be opened for writing.
!macro EndProgram un
Function ${un}Running
  StrCpy $1 0
  ${If} ${FileExists} "${TRAY}"
    ClearErrors
    FileOpen $0 "${TRAY}" a
    ${If} ${Errors}
      StrCpy $1 1
    ${Else}
      FileClose $0
    ${EndIf}
  ${EndIf}
FunctionEnd

Function ${un}EndProgram
  Call ${un}Running
  ${If} $1 = 0
    Return
  ${EndIf}
  DetailPrint "$(Ending)"
  nsExec::Exec 'taskkill /im bilipastew.exe'
  Pop $0
  ${For} $2 1 75 ; 15 s: it finishes the picture that it is at
    Sleep 200
    Call ${un}Running
    ${If} $1 = 0
      StrCpy $1 1
      Return
    ${EndIf}
  ${Next}
  nsExec::Exec 'taskkill /f /im bilipastew.exe' ; what it was at is uploaded after its next start
  Pop $0
  Sleep 1000
  StrCpy $1 1
FunctionEnd
!macroend
!insertmacro EndProgram ""
!insertmacro EndProgram "un."

; Moves the file of a program that still runs, such as "bilipaste watch", out of the way.
!macro Aside file
  Delete "$INSTDIR\${file}.old"
  ClearErrors
  Delete "$INSTDIR\${file}"
  ${If} ${Errors}
    Rename "$INSTDIR\${file}" "$INSTDIR\${file}.old"
    Delete /REBOOTOK "$INSTDIR\${file}.old"
  ${EndIf}
!macroend

; A shortcut with the identity that Windows files the program's toasts under.
Function Shortcut
  !insertmacro ComHlpr_CreateInProcInstance ${CLSID_ShellLink} ${IID_IShellLink} r0 ""
  ${If} $0 P= 0
    Return
  ${EndIf}
  ${IShellLink::SetPath} $0 '("${TRAY}")'
  ${IShellLink::SetWorkingDirectory} $0 '("$INSTDIR")'
  ${IUnknown::QueryInterface} $0 '("${IID_IPropertyStore}",.r1)'
  ${If} $1 P<> 0
    System::Call '*${SYSSTRUCT_PROPERTYKEY}(${PKEY_AppUserModel_ID})p.r2'
    System::Call '*(&w32 "${APPID}")p.r4'
    System::Call '*${SYSSTRUCT_PROPVARIANT}(${VT_LPWSTR},,r4)p.r3'
    ${IPropertyStore::SetValue} $1 '($2,$3)'
    ${IPropertyStore::Commit} $1 ""
    System::Free $2
    System::Free $3
    System::Free $4
    ${IUnknown::Release} $1 ""
  ${EndIf}
  ${IUnknown::QueryInterface} $0 '("${IID_IPersistFile}",.r1)'
  ${If} $1 P<> 0
    ${IPersistFile::Save} $1 '("$SMPROGRAMS\bilipaste.lnk",1)'
    ${IUnknown::Release} $1 ""
  ${EndIf}
  ${IUnknown::Release} $0 ""
FunctionEnd

Section "$(Program)" program
  SectionIn RO
  Call EndProgram
  StrCpy $ran $1
  !insertmacro Aside bilipaste.exe
  !insertmacro Aside bilipastew.exe
  SetOutPath "$INSTDIR"
  File /r "${SOURCE}/*"
  File /oname=bilipaste.png ..\..\assets\icons\writing.png
  WriteUninstaller "$INSTDIR\uninstall.exe"
  Call Shortcut
  WriteRegStr HKCU "Software\Classes\AppUserModelId\${APPID}" DisplayName bilipaste
  WriteRegStr HKCU "Software\Classes\AppUserModelId\${APPID}" IconUri "$INSTDIR\bilipaste.png"
  WriteRegStr HKCU "${UNINSTALL}" DisplayName bilipaste
  WriteRegStr HKCU "${UNINSTALL}" DisplayVersion "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" DisplayIcon "${TRAY}"
  WriteRegStr HKCU "${UNINSTALL}" Publisher "bilipaste"
  WriteRegStr HKCU "${UNINSTALL}" InstallLocation "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" UninstallString '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL}" QuietUninstallString '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL}" EstimatedSize ${SIZE}
  WriteRegDWORD HKCU "${UNINSTALL}" NoModify 1
  WriteRegDWORD HKCU "${UNINSTALL}" NoRepair 1
  !ifdef HOMEPAGE
    WriteRegStr HKCU "${UNINSTALL}" URLInfoAbout "${HOMEPAGE}"
  !endif
SectionEnd

Section /o "$(Login)" login
SectionEnd

Section "$(Path)" path
SectionEnd

Section "-choices"
  ${If} ${SectionIsSelected} ${login}
    ReadRegStr $0 HKCU "${RUN}" bilipaste
    ${If} $0 == "" ; an entry that is there may have arguments
      WriteRegStr HKCU "${RUN}" bilipaste '"${TRAY}" tray'
      DeleteRegValue HKCU "${APPROVED}" bilipaste
    ${EndIf}
  ${Else}
    DeleteRegValue HKCU "${RUN}" bilipaste
  ${EndIf}
  Call PathRemove
  ${If} ${SectionIsSelected} ${path}
    Call PathAdd
  ${EndIf}
  ${If} $ran = 1
    Exec '"${TRAY}"'
  ${EndIf}
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${program} "$(ProgramSays)"
  !insertmacro MUI_DESCRIPTION_TEXT ${login} "$(LoginSays)"
  !insertmacro MUI_DESCRIPTION_TEXT ${path} "$(PathSays)"
!insertmacro MUI_FUNCTION_DESCRIPTION_END

; Choose selects a section where $0 is 1, and unselects it where it is 0.
!macro Choose section
  ${If} $0 == 1
    !insertmacro SelectSection ${section}
  ${ElseIf} $0 == 0
    !insertmacro UnselectSection ${section}
  ${EndIf}
!macroend



Function .onInit
  ReadRegStr $0 HKCU "${UNINSTALL}" InstallLocation
  ${If} $0 != "" ; an upgrade: as it was
    ReadRegStr $0 HKCU "${RUN}" bilipaste
    ${If} $0 != ""
      StrCpy $0 1
    ${EndIf}
    !insertmacro Choose ${login}
    Call PathHas
    !insertmacro Choose ${path}
  ${EndIf}
  ${GetParameters} $1
  StrCpy $0 ""
  ${GetOptions} $1 "/LOGIN=" $0
  !insertmacro Choose ${login}
  StrCpy $0 ""
  ${GetOptions} $1 "/PATH=" $0
  !insertmacro Choose ${path}
FunctionEnd

Section "un.$(Program)" unprogram
  SectionIn RO
  Call un.EndProgram
SectionEnd

Section /o "un.$(Data)" undata
  nsExec::Exec '"$INSTDIR\bilipaste.exe" logout --local' ; the keyring's part
  Pop $0
  RMDir /r "$LOCALAPPDATA\bilipaste"
SectionEnd

Section "-un.files"
  Call un.PathRemove
  DeleteRegValue HKCU "${RUN}" bilipaste
  DeleteRegValue HKCU "${APPROVED}" bilipaste
  DeleteRegKey HKCU "Software\Classes\AppUserModelId\${APPID}"
  DeleteRegKey HKCU "${UNINSTALL}"
  Delete "$SMPROGRAMS\bilipaste.lnk"
  !insertmacro Aside bilipaste.exe
  !insertmacro Aside bilipastew.exe
  !include "${SOURCE}.remove.nsh" ; what was installed, and nothing else: the folder may be any
  Delete "$INSTDIR\bilipaste.png"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
SectionEnd

!insertmacro MUI_UNFUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${unprogram} "$(ProgramSays)"
  !insertmacro MUI_DESCRIPTION_TEXT ${undata} "$(DataSays)"
!insertmacro MUI_UNFUNCTION_DESCRIPTION_END

Function un.onInit
  ${GetParameters} $1
  StrCpy $0 ""
  ${GetOptions} $1 "/DATA=" $0
  !insertmacro Choose ${undata}
FunctionEnd
