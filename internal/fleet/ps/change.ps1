# Changes local accounts, one line of $plan each: "disable SID", "enable SID" or
# "scramble SID". A scrambled password is made here, told to nobody and kept
# nowhere. Stops at the first that fails. For Windows PowerShell 2 to 5.1.
$ErrorActionPreference = 'Stop'
Write-Output 'assay-change 1'
foreach ($line in $plan) {
    $verb, $sid = $line.Split(' ')
    try {
        $a = Get-WmiObject Win32_UserAccount -Filter "LocalAccount=True AND SID='$sid'"
        $u = [ADSI]('WinNT://./' + $a.Name + ',user')
        if ($verb -eq 'disable') { $u.UserFlags = $u.UserFlags.Value -bor 2; $u.SetInfo() }
        if ($verb -eq 'enable') { $u.UserFlags = $u.UserFlags.Value -band (-bnot 2); $u.SetInfo() }
        if ($verb -eq 'scramble') {
            $b = New-Object byte[] 24
            [Security.Cryptography.RandomNumberGenerator]::Create().GetBytes($b)
            $u.psbase.Invoke('SetPassword', 'aA1!' + [Convert]::ToBase64String($b))
            $u.SetInfo()
        }
        Write-Output "did $line"
    } catch {
        Write-Output ('failed {0} {1}' -f $line, $_.Exception.GetType().Name)
        break
    }
}
Write-Output 'end'
