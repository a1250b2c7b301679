package e2e

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/internal/artefact/regf/regftest"
	"assay/internal/artefact/sam/samtest"
)

const (
	configDir = "Windows/System32/config/"
	opsHome   = "Users/ops/"
	roaming   = opsHome + "AppData/Roaming/Microsoft/"
	opsSID    = "S-1-5-21-1111-2222-3333-1001"
)

// careless is a Windows Server as a careless administrator leaves it, with all
// that can be cleaned offline.
func careless(t testing.TB) *windowsDisk {
	w := &windowsDisk{files: map[string][]byte{}, deleted: map[string][]byte{}}
	w.system()
	w.accounts(t)
	w.registry(t)
	w.user(t)
	w.cloud()
	w.leftovers()
	w.elsewhere()
	return w
}

// system is what belongs to Windows and stays.
func (w *windowsDisk) system() {
	for i, name := range []string{"ntoskrnl.exe", "kernel32.dll", "cmd.exe", "sethc.exe", "utilman.exe", "drivers/viostor.sys"} {
		w.files["Windows/System32/"+name] = append([]byte("MZ"), filler(i+1, 40_000*(i+1))...)
	}
	for i := range 60 {
		w.files[fmt.Sprintf("Windows/WinSxS/amd64_component-number-%02d_31bf3856ad364e35/component.dll", i)] = filler(100+i, 900*i)
	}
	w.put("Windows/win.ini", "; for 16-bit app support\r\n[fonts]\r\n")
	w.put("Windows/System32/drivers/etc/hosts", "# localhost name resolution is handled within DNS itself.\r\n")
	w.put("Program Files/nginx/conf/nginx.conf", "worker_processes 1;\r\n")
	w.put("Users/Public/desktop.ini", "[.ShellClassInfo]\r\n")
}

func (w *windowsDisk) accounts(t testing.TB) {
	m := samtest.Machine{AES: true,
		Accounts: []samtest.Account{
			{RID: 500, Name: "Administrator", Password: "P@ssw0rd", Admin: true, Set: 132900000000000000, History: []string{"Older-Pass-1", "Older-Pass-2"}},
			{RID: 501, Name: "Guest", None: true, Flags: 0x205},
			{RID: 1001, Name: "ops", Password: "Rq7-unpublished-Zk2", Admin: true, Remote: true, Hint: w.secret("the dog and the year 1987"),
				ResetQA: `{"version":1,"questions":[{"question":"pet","answer":"` + w.secret("RexTheOldDog") + `"}]}`, Comment: "pw: " + w.secret("Ops-Comment-Pw7"),
				Supplementary: []byte(w.secret("kerberos keys of ops, sealed by Windows"))},
			{RID: 1002, Name: "kiosk", Password: ""},
		},
		Secrets: []samtest.Secret{{Name: "DefaultPassword", Data: regftest.UTF16("Planted!Autologon1")}, {Name: "_SC_backup", Data: regftest.UTF16("Svc#Planted2"), Old: regftest.UTF16("Svc#Planted1")}},
		Slots:   []string{"zhang.san", "", "li.na"},
	}
	sam := m.SAM()
	for _, rid := range []string{"000001F4", "000003E9"} {
		for _, v := range sam.At(`SAM\Domains\Account\Users\` + rid).Values {
			if v.Name != "V" {
				continue
			}
			for _, entry := range []int{14, 15, 16} { // NT hash and histories: 8 bytes of header, 16 of salt
				at, n := 0xCC+int(le.Uint32(v.Data[12*entry:])), int(le.Uint32(v.Data[12*entry+4:]))
				if n > 24 {
					w.cipher = append(w.cipher, string(v.Data[at+24:at+40]))
				}
			}
		}
	}
	w.secret("encrypted, as far as a test must know") // cached logons
	w.files[configDir+"SAM"] = regftest.Build(sam, regftest.Options{})
	w.files[configDir+"SECURITY"] = regftest.Build(m.SECURITY(), regftest.Options{})
	w.files[configDir+"RegBack/SAM"] = slices.Clone(w.files[configDir+"SAM"])
	system := m.SYSTEM()
	if err := regftest.Parse(system, `
[ControlSet001\Services\vminit]
Start = dword:2
ImagePath = C:\ProgramData\aliyun\vminit\vminit.exe
[ControlSet001\Services\backup]
Start = dword:2
ObjectName = .\ops
ImagePath = "C:\backup\backup.exe" --user sa --password `+w.secret("Image-Path-Pw-6x")+`
[ControlSet001\Services\SNMP\Parameters\ValidCommunities]
`+w.secret("snmp-community-7")+` = dword:8
[ControlSet001\Control\Session Manager\Environment]
Path = C:\Windows
OSS_ACCESS_KEY_SECRET = `+w.secret("kZ83hPq0LmWx7Yt5Rv2Jb9Nc4Sd6Fg")+`
[ControlSet001\Control\ComputerName\ComputerName]
ComputerName = WIN-BUILD01
[Setup]
SystemSetupInProgress = dword:1
SetupType = dword:2
`); err != nil {
		t.Fatal(err)
	}
	w.files[configDir+"SYSTEM"] = regftest.Build(system, regftest.Options{})
}

func (w *windowsDisk) registry(t testing.TB) {
	w.dirty(t, configDir+"SOFTWARE", `
[Microsoft\Windows NT\CurrentVersion]
ProductName = Windows Server 2022 Datacenter
CurrentBuildNumber = 20348
[Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-18]
ProfileImagePath = %systemroot%\system32\config\systemprofile
[Microsoft\Windows NT\CurrentVersion\ProfileList\`+opsSID+`]
ProfileImagePath = C:\Users\ops
[Microsoft\Windows\CurrentVersion\Setup\State]
ImageState = IMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE
`, `
[Microsoft\Windows NT\CurrentVersion\Winlogon]
AutoAdminLogon = 1
DefaultUserName = Administrator
DefaultPassword = `+w.secret("Auto-Logon-Pw-55q")+`
[Microsoft\Windows\CurrentVersion\Run]
share = net use Z: \\files\shop /user:shop `+w.secret("Run-Key-Pw-83k")+`
[TightVNC\Server]
Password = hex:0011223344556677
[Policies\Microsoft\Windows\PowerShell]
EnableScripts = dword:1
`)
	w.hive(t, configDir+"DEFAULT", "[Software]\nx = 1\n")
	w.dirty(t, opsHome+"NTUSER.DAT", `
[Software\Microsoft\Windows\CurrentVersion\Explorer\Advanced]
Hidden = dword:1
`, `
[Software\Microsoft\Windows\CurrentVersion\Explorer\RunMRU]
a = cmd /c net use \\srv\c$ `+w.secret("RunMru-Pw-3391")+`
MRUList = a
[Software\SimonTatham\PuTTY\Sessions\prod]
HostName = `+w.secret("putty-host.corp.example.com")+`
ProxyPassword = `+w.secret("Putty-Proxy-Pw-8")+`
[Software\Microsoft\Internet Explorer\TypedURLs]
url1 = http://`+w.secret("typed-url.corp.example.com")+`/
[Software\Microsoft\Terminal Server Client\Servers\10.0.0.9]
UsernameHint = `+w.secret("CORP\\rdp-admin-hint")+`
`)
	w.files[opsHome+"NTUSER.DAT"] = remnant(w.files[opsHome+"NTUSER.DAT"], w.secret("a deleted value of the registry: Old-Reg-Pw-77"))
}

// remnant leaves text in the free end of a hive, as deleted values are left.
func remnant(hive []byte, text string) []byte {
	b := regftest.UTF16(text)
	if strings.Trim(string(hive[len(hive)-len(b)-16:]), "\x00") == "" {
		copy(hive[len(hive)-len(b)-8:], b)
	}
	return hive
}

func (w *windowsDisk) user(t testing.TB) {
	private, public := key(t, "ops@windows")
	_, admin := key(t, "admin@windows")
	host, _ := key(t, "host@windows")
	for _, k := range []string{private, host} {
		lines := strings.Split(k, "\n")
		w.secret(lines[len(lines)/2])
	}
	w.secret(strings.Fields(public)[1])
	w.secret(strings.Fields(admin)[1])
	w.put(opsHome+".ssh/id_ed25519", private)
	w.put(opsHome+".ssh/authorized_keys", public)
	w.put("ProgramData/ssh/administrators_authorized_keys", admin)
	w.put("ProgramData/ssh/ssh_host_ed25519_key", host)
	w.put("ProgramData/ssh/sshd_config", "PasswordAuthentication no\r\nMatch Group administrators\r\n       AuthorizedKeysFile __PROGRAMDATA__/ssh/administrators_authorized_keys\r\n")
	w.put(roaming+"Windows/PowerShell/PSReadLine/ConsoleHost_history.txt", "cd C:\\\r\naliyun configure set --access-key-secret "+w.secret("Hq7mZ2vXc9LpT4nWd8RkYs3BfG6jUa")+"\r\nnet user ops "+w.secret("Hist-Net-User-1")+"\r\n")
	w.files[opsHome+"Documents/PowerShell_transcript.WIN.txt"] = append([]byte{0xff, 0xfe}, regftest.UTF16("PS> Connect -Password "+w.secret("Transcript-Pw-44")+"\r\n")...)
	w.put(roaming+"Credentials/DFBE70A7E5CC19A398EBF1B96859CE5D", w.secret("sealed credential of TERMSRV")+string(filler(7, 300)))
	w.put(roaming+"Vault/4BF4C442-9B8A-41A0-B380-DD4A704DDB28/0a.vcrd", w.secret("sealed vault record")+string(filler(8, 300)))
	w.put(roaming+"Protect/"+opsSID+"/8f2c1b9e-aaaa-bbbb-cccc-1234567890ab", w.secret("DPAPI master key of ops")+string(filler(9, 500)))
	w.put(roaming+"Windows/Recent/prices.lnk", "L\x00\x00\x00"+w.secret("recent: contract-with-customer.docx"))
	w.put(opsHome+"Documents/Default.rdp", "full address:s:10.0.0.9\r\nusername:s:"+w.secret("rdp-file-user-77")+"\r\n")
	w.put(opsHome+"AppData/Local/Google/Chrome/User Data/Default/Login Data", w.secret("chrome-login-of-ops"))
	w.put(opsHome+"AppData/Local/Temp/install.ps1", "$pw = '"+w.secret("Temp-Install-Pw-6")+"'\r\n")
	w.put("$Recycle.Bin/"+opsSID+"/$RABC123.txt", "old passwords: "+w.secret("Recycle-Bin-Pw-12"))
	w.put("$Recycle.Bin/"+opsSID+"/$IABC123.txt", "\x02\x00\x00\x00\x00\x00\x00\x00"+string(regftest.UTF16("C:\\Users\\ops\\"+w.secret("passwords-of-shop.txt"))))
	w.files[opsHome+"Downloads/agent.exe"] = append([]byte("MZ"), filler(33, 5000)...)
	w.put(opsHome+"Downloads/agent.exe:Zone.Identifier", "[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=https://corp.oss-cn-hangzhou.aliyuncs.com/agent.exe?OSSAccessKeyId=LTAI5tQmBzVk3nXw8JdPsGhR&Expires=1999999999&Signature="+w.secret("vjbyPxybdZaNmGa1yT272YEAiv4FQ3D")+"\r\n")
}

func (w *windowsDisk) cloud() {
	const vminit, assist = "ProgramData/aliyun/vminit/", "ProgramData/aliyun/assist/"
	w.put(vminit+"vminit.exe", "MZ vminit")
	w.put(vminit+"user-data/1.ps1", "net user deploy "+w.secret("User-Data-Pw-9")+" /add\r\n")
	w.put(vminit+"log/vminit.log", "instance-id "+w.secret("i-bp1planted000vminit")+"\r\n")
	w.put(vminit+"PWD_UUID", w.secret("8e2f0000-1111-2222-3333-planteduuid"))
	w.put(assist+"work/script/t-hz01.ps1", "mysql -uroot -p"+w.secret("Assist-Cmd-Pw-5")+"\r\n")
	w.put(assist+"2.2.3/log/aliyun_assist.log", "instance "+w.secret("i-bp1planted00assist")+"\r\n")
	w.put(assist+"2.2.3/aliyun_assist_service.exe", "MZ service")
}

func (w *windowsDisk) leftovers() {
	encode := func(password, element string) string {
		return base64.StdEncoding.EncodeToString(regftest.UTF16(password + element))
	}
	answers := func(admin string, plain bool) string {
		return fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?><unattend xmlns="urn:schemas-microsoft-com:unattend"><settings pass="oobeSystem"><component name="Microsoft-Windows-Shell-Setup"><UserAccounts><AdministratorPassword><Value>%s</Value><PlainText>%v</PlainText></AdministratorPassword></UserAccounts></component></settings></unattend>`, admin, plain)
	}
	w.put("unattend.xml", answers(w.secret("Unattend-Pw-7Kq2"), true))
	w.put("Windows/Panther/unattend.xml", answers(w.secret(encode("Panther-Pw-4Hz", "AdministratorPassword")), false))
	w.put("Windows/Panther/setupact.log", "Info: joined "+w.secret("workgroup-PLANTED-SETUP")+"\r\n")
	w.put("Windows/Temp/deploy.log", "token="+w.secret("temp-token-9f8e7d6c5b4a")+"\r\n")
	w.put("Windows/MEMORY.DMP", "PAGEDU64"+w.secret("memory dump with Lsass-Pw-31")+string(filler(44, 300_000)))
	w.put("pagefile.sys", string(filler(45, 3<<20))+w.secret("paged out: Page-File-Pw-2")+strings.Repeat("\x00", 4096))
	w.put("hiberfil.sys", strings.Repeat("\x00", 4096)+w.secret("hibernated: Hiber-Pw-8")+string(filler(46, 1<<20)))
	w.put("inetpub/wwwroot/web.config", `<configuration><connectionStrings><add name="shop" connectionString="Server=db;User Id=sa;Password=`+w.secret("Web-Config-Pw-3Jd8x")+`;" /></connectionStrings></configuration>`)
	w.put("inetpub/logs/LogFiles/W3SVC1/u_ex260101.log", "10.0.3.17 GET /?token="+w.secret("iis-log-token-7d6e5f")+"\r\n")
	w.put("ProgramData/Microsoft/Group Policy/History/{31B2F340-016D-11D2-945F-00C04FB984F9}/Machine/Preferences/Groups/Groups.xml",
		`<Groups><User name="local"><Properties userName="local" cpassword="`+w.secret("j1Uyj3Vx8TY9LtLZil2uAuZkFQA/4latT76ZwgdHdhw")+`"/></User></Groups>`)
	w.put("ProgramData/Microsoft/Wlansvc/Profiles/Interfaces/{1}/{2}.xml", `<WLANProfile><SSIDConfig><SSID><name>office</name></SSID></SSIDConfig><MSM><security><sharedKey><protected>false</protected><keyMaterial>`+w.secret("Wlan-Key-Mat-90")+`</keyMaterial></sharedKey></security></MSM></WLANProfile>`+strings.Repeat(" ", 2000))
	w.files["Windows/System32/winevt/Logs/Security.evtx"] = eventLog(w.secret("Accepted-logon-of-ops-from-10.0.3.17"))
	w.files["Windows/System32/winevt/Logs/Microsoft-Windows-PowerShell%4Operational.evtx"] = eventLog(w.secret("Script-block-with-Event-Pw-6"))
	w.deleted[opsHome+"small.txt"] = []byte("access key " + w.secret("LTAI5tSmallDeletedNX") + "\r\n")
	w.deleted[opsHome+"large.txt"] = []byte(strings.Repeat("line\r\n", 3000) + w.secret("Deleted-Large-Pw-19") + "\r\n")
}

// elsewhere is what lies in profiles that are nobody's, in what an upgrade
// left, and in tasks.
func (w *windowsDisk) elsewhere() {
	const history = "/AppData/Roaming/Microsoft/Windows/PowerShell/PSReadLine/ConsoleHost_history.txt"
	w.put("Users/Default"+history, "net user shop "+w.secret("Default-Profile-Pw-4")+"\r\n")
	w.put("Windows.old/Users/bob"+history, "net user bob "+w.secret("Windows-Old-Pw-51")+"\r\n")
	w.files["Windows.old/Windows/System32/config/SAM"] = slices.Clone(w.files[configDir+"SAM"])
	w.put("Windows/ServiceProfiles/NetworkService/AppData/Local/Microsoft/Credentials/0123456789ABCDEF0123456789ABCDEF", w.secret("sealed credential of a service")+string(filler(61, 300)))
	w.put("Windows/System32/config/systemprofile/AppData/Local/Microsoft/Credentials/89ABCDEF0123456789ABCDEF01234567", w.secret("sealed credential of a task")+string(filler(62, 300)))
	w.put("Users/Public/Documents/deploy.bat", "schtasks /create /tn nightly /ru shop /rp "+w.secret("Public-Task-Pw-7a")+" /tr C:\\shop.exe\r\n")
	w.files["Windows/System32/Tasks/backup"] = append([]byte{0xff, 0xfe}, regftest.UTF16(`<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"><Actions><Exec><Command>C:\mysql\bin\mysqldump.exe</Command>
<Arguments>/c mysqldump -uroot -p`+w.secret("Task-Args-Pw-29")+` shop</Arguments></Exec></Actions></Task>
`)...)
}
