variable "inherit" { default = true }
variable "other" {}
locals { t = "Snapshot" }
resource "alicloud_instance" "web" {
  image_id         = "m-1"
  password_inherit = var.inherit
}
resource "alicloud_launch_template" "lt" {
  password_inherit = var.other
}
resource "alicloud_ess_scaling_configuration" "s" {
  password_inherit = false
}
resource "alicloud_image_export" "x" {
  image_id = "m-1"
}
resource "alicloud_image_share_permission" "y" {
  image_id   = "m-1"
  account_id = "123"
}
resource "alicloud_resource_manager_shared_resource" "z" {
  resource_type = local.t
}
resource "alicloud_ram_policy" "p" {
  policy_name     = "p"
  policy_document = <<EOF
  {
    "Version": "1",
    "Statement": [
      { "Effect": "Deny", "Action": ["ecs:ExportImages"], "Resource": "*" }
    ]
  }
EOF
}
resource "alicloud_resource_manager_control_policy" "c" {
  policy_document = jsonencode({ Version = "1", Statement = [{ Effect = "Deny", Action = "ecs:ExportImage", Resource = "*", Condition = { BoolIfExists = { "ecs:PasswordInherit" = "true" } } }] })
}
