"""Places of files: a folder of this machine, an SFTP server, a bucket of S3."""
