// Package account judges an account of the cloud: what is shared and with
// whom, what was exported, which launches hand on an image's password, who may
// do either, and how key pairs are used.
//
// In: a cloud.Snapshot. Out: findings, each with the commands that undo it.
// May touch: the snapshot. Never: asks the cloud, reads the clock (the
// snapshot's own time counts). Next room: the verbs.
package account

import (
	"assay/check"
	"assay/finding"
	"assay/internal/cloud"
)

// Check is a rule over one account.
type Check = check.Check[*cloud.Snapshot]

// Pass is one run of it.
type Pass = check.Pass[*cloud.Snapshot]

// t is a text in both languages.
func t(en, zh string) finding.Text { return finding.T(en, zh) }

// All is every check of this package, by ID.
var All = []*Check{
	exports, managementAccount, replication, rootCalls,
	provisioningGroups, launchTemplates, launches, noKeyPair, reinitDisk, scalingConfigurations,
	keyAge, keySpread,
	inspectImages,
	canShare, policyDocuments, openPaths,
	externalTargets, shareGroups, shareHistory, sharedImages, publicImages, resourceShares, sharedSnapshots, unencryptedImages,
}
