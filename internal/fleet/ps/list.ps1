# Lists the local accounts. It changes nothing and prints no secret. For Windows
# PowerShell 2 to 5.1, as System. One line an account: SID, disabled,
# administrator, seconds since its password was set (-1: not known), name.
$ErrorActionPreference = 'Stop'
$group = Get-WmiObject Win32_Group -Filter "LocalAccount=True AND SID='S-1-5-32-544'"
$members = ([ADSI]('WinNT://./' + $group.Name + ',group')).psbase.Invoke('Members')
$admins = @()
foreach ($m in $members) {
    $sid = $m.GetType().InvokeMember('objectSid', 'GetProperty', $null, $m, $null)
    $admins += (New-Object Security.Principal.SecurityIdentifier($sid, 0)).Value
}
Write-Output 'assay-accounts 1'
Write-Output ('role ' + (Get-WmiObject Win32_ComputerSystem).DomainRole)
foreach ($a in @(Get-WmiObject Win32_UserAccount -Filter 'LocalAccount=True')) {
    $age = ([ADSI]('WinNT://./' + $a.Name + ',user')).PasswordAge.Value
    if ($age -eq $null) { $age = -1 }
    $name = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($a.Name))
    Write-Output ('user {0} {1} {2} {3} {4}' -f $a.SID, [int]$a.Disabled, [int]($admins -contains $a.SID), [int]$age, $name)
}
Write-Output 'end'
