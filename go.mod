module assay

go 1.26.0

require (
	github.com/alibabacloud-go/darabonba-openapi/v2 v2.2.4 // the cloud's official generic client: signs requests
	github.com/alibabacloud-go/tea v1.5.3 // its HTTP hook, where answers are bounded and errors cleaned
	github.com/aliyun/credentials-go v1.4.14 // the official chain of credentials
	github.com/hashicorp/hcl/v2 v2.25.0 // Terraform configuration
	github.com/hashicorp/terraform-json v0.29.0 // Terraform plans and state
	github.com/kevinburke/ssh_config v1.6.0 // ~/.ssh/config of inspect and fix
	github.com/klauspost/compress v1.20.3 // zstd, and a fast deflate
	github.com/landlock-lsm/go-landlock v0.11.0 // the reader's sandbox
	github.com/openwall/yescrypt-go v1.0.0 // yescrypt hashes, for published default passwords
	github.com/owenrumney/go-sarif/v3 v3.3.1 // tests: validates our SARIF
	github.com/rogpeppe/go-internal v1.16.0 // tests: testscript
	github.com/secure-systems-lab/go-securesystemslib v0.11.1 // tests: a stock verifier of our statements
	github.com/skeema/knownhosts v1.3.3 // known_hosts with the right key algorithms
	github.com/spf13/cobra v1.10.2 // commands and flags
	github.com/xeipuuv/gojsonschema v1.2.0 // tests: validates our stream
	github.com/zclconf/go-cty v1.19.0 // values of Terraform expressions
	go.yaml.in/yaml/v3 v3.0.4 // YAML of ignore files, cloud-init and infrastructure code
	golang.org/x/crypto v0.58.0 // SSH, MD4 and DES of SAM, password hashes
	golang.org/x/sys v0.49.0 // system calls
	golang.org/x/term v0.47.0 // passphrases, width of the terminal
)

require (
	github.com/agext/levenshtein v1.2.1 // indirect
	github.com/alibabacloud-go/alibabacloud-gateway-spi v0.0.5 // indirect
	github.com/alibabacloud-go/debug v1.0.1 // indirect
	github.com/alibabacloud-go/tea-utils/v2 v2.0.9 // indirect
	github.com/apparentlymart/go-textseg/v15 v15.0.0 // indirect
	github.com/apparentlymart/go-textseg/v17 v17.0.1 // indirect
	github.com/clbanning/mxj/v2 v2.7.0 // indirect
	github.com/gorilla/websocket v1.5.3 // indirect
	github.com/hashicorp/go-version v1.9.0 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/json-iterator/go v1.1.12 // indirect
	github.com/mitchellh/go-wordwrap v1.0.1 // indirect
	github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect
	github.com/modern-go/reflect2 v1.0.2 // indirect
	github.com/spf13/pflag v1.0.9 // indirect
	github.com/tjfoc/gmsm v1.4.1 // indirect
	github.com/xeipuuv/gojsonpointer v0.0.0-20180127040702-4e3ac2762d5f // indirect
	github.com/xeipuuv/gojsonreference v0.0.0-20180127040603-bd5ef7bd5415 // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/tools v0.51.0 // indirect
	gopkg.in/ini.v1 v1.67.0 // indirect
	kernel.org/pub/linux/libs/security/libcap/psx v1.2.77 // indirect
)
