package assay

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"assay/finding"
	"assay/internal/winapi"
)

// ErrSysprep says that Sysprep was not started, or did not end well; the
// message says why.
var ErrSysprep = errors.New("Sysprep has not generalised this Windows")

// generalized is the state of a Windows that Sysprep is done with.
const generalized = "IMAGE_STATE_GENERALIZE_RESEAL_TO_"

// answers lets instances start without questions and keeps their drivers. It
// holds no password: what a person chooses for an instance is set by vminit.
// Source: the file that Cloudbase-Init hands to Sysprep.
const answers = `<?xml version="1.0" encoding="utf-8"?>
<unattend xmlns="urn:schemas-microsoft-com:unattend">
  <settings pass="generalize">
    <component name="Microsoft-Windows-PnpSysprep" processorArchitecture="%[1]s" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS">
      <PersistAllDeviceInstalls>true</PersistAllDeviceInstalls>
    </component>
  </settings>
  <settings pass="oobeSystem">
    <component name="Microsoft-Windows-Shell-Setup" processorArchitecture="%[1]s" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS">
      <OOBE>
        <HideEULAPage>true</HideEULAPage>
        <ProtectYourPC>1</ProtectYourPC>
        <SkipMachineOOBE>true</SkipMachineOOBE>
        <SkipUserOOBE>true</SkipUserOOBE>
      </OOBE>
    </component>
  </settings>
</unattend>
`

// Unfit are the findings that speak against making an image of a running
// Windows: Sysprep shuts it down, and nobody could decide about them any more.
// What Sysprep itself settles is none: the password of the built-in
// Administrator, which it empties.
func Unfit(found []finding.Finding) (out []finding.Finding) {
	for _, f := range found {
		credential := f.Severity >= finding.High && (f.Class == finding.PresetAccount || f.Class == finding.IdentityCredential)
		switch {
		case f.Accepted != nil:
		case f.Check == "windows/account/local-accounts" && f.Fix != nil && len(f.Fix.Edits) == 1 && strings.HasSuffix(strings.ToUpper(f.Fix.Edits[0].Key), administrator):
		case credential, f.Check == "windows/system/first-password", f.Check == "windows/account/logon-policy":
			out = append(out, f)
		}
	}
	return out
}

// canSysprep refuses a Windows that has no Sysprep, before anything is changed.
func (d *dirCleaning) canSysprep() error {
	if !d.dir.Sysprep {
		return nil
	}
	if _, err := os.Lstat(filepath.Join(d.t.Dir, "Windows", "System32", "Sysprep", "sysprep.exe")); err != nil {
		return fmt.Errorf("%w: there is no Sysprep in it (%w)", ErrNotHere, err)
	}
	return nil
}

// Sysprep hands a running Windows that was cleaned over to Sysprep, which
// generalises it and shuts it down. Reports must be written before. It returns
// when Sysprep is done, while Windows shuts down.
func Sysprep(t Target, found []finding.Finding) error {
	if !t.RunningWindows() {
		return fmt.Errorf("%w: %s is no running Windows", ErrSysprep, t.Name)
	}
	if unfit := Unfit(found); len(unfit) > 0 {
		ids := make([]string, len(unfit))
		for i, f := range unfit {
			ids[i] = f.ID
		}
		return fmt.Errorf("%w: the image would not be clean, or no instance could be logged on to (%s)", ErrSysprep, strings.Join(ids, ", "))
	}
	architecture := "amd64"
	if runtime.GOARCH == "arm64" {
		architecture = "arm64"
	}
	const name = `\Windows\System32\Sysprep\assay.xml`
	file := filepath.Join(t.Dir, "Windows", "System32", "Sysprep", "assay.xml")
	if err := os.WriteFile(file, fmt.Appendf(nil, answers, architecture), 0o600); err != nil {
		return fmt.Errorf("%w: %w", ErrSysprep, err)
	}
	err := t.windows.Run(winapi.Command{Program: `Sysprep\sysprep.exe`, Args: []string{"/generalize", "/oobe", "/shutdown", "/quiet", "/unattend:" + t.windows.SystemDrive() + name}})
	state, stateErr := t.windows.Value(`HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Setup\State`, "ImageState")
	now, _, _ := strings.Cut(fromUTF16(state), "\x00")
	if err == nil && !strings.HasPrefix(now, generalized) {
		err = errors.Join(fmt.Errorf("the state of the image is %q", now), stateErr)
	}
	if err != nil {
		return fmt.Errorf("%w: %w; see Windows\\System32\\Sysprep\\Panther\\setuperr.log", ErrSysprep, errors.Join(err, os.Remove(file)))
	}
	return nil
}
